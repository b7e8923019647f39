//! Both ends of HTTP Digest by the digest_auth crate; what is sent and who it is sent to is the caller's.
//!
//!     digest-peer challenge ALGORITHM QOP REALM NONCE userhash|plain      prints a WWW-Authenticate value
//!     digest-peer respond USER PASSWORD METHOD BODY URI...                 challenge in, one Authorization a URI out
//!     digest-peer judge USER PASSWORD METHOD BODY URI                      Authorization in, "right" or "wrong" out
//!
//! A BODY of "-" is none: the crate then takes qop auth.

use std::env;
use std::error::Error;
use std::io::{self, Read};

use digest_auth::{Algorithm, AuthContext, AuthorizationHeader, Charset, HttpMethod, Qop, WwwAuthenticateHeader};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["challenge", algorithm, qop, realm, nonce, names] => challenge(algorithm, qop, realm, nonce, names),
        ["respond", user, password, method, body, uris @ ..] => respond([user, password, method, body], uris),
        ["judge", user, password, method, body, uri] => judge([user, password, method, body], uri),
        _ => Err("challenge, respond or judge, with what each takes".into()),
    }
}

fn challenge(algorithm: &str, qop: &str, realm: &str, nonce: &str, names: &str) -> Outcome {
    let qops: Result<Vec<Qop>, _> = qop.split(',').map(str::parse).collect();
    let made = WwwAuthenticateHeader {
        domain: None,
        realm: realm.into(),
        nonce: nonce.into(),
        opaque: Some("opaque".into()),
        stale: false,
        algorithm: algorithm.parse::<Algorithm>()?,
        qop: Some(qops?),
        userhash: names == "userhash",
        charset: Charset::UTF8,
        nc: 0,
    };
    println!("{made}");
    Ok(())
}

fn respond(asked: [&str; 4], uris: &[&str]) -> Outcome {
    let mut prompt = WwwAuthenticateHeader::parse(&input()?)?;
    for uri in uris {
        println!("{}", prompt.respond(&context(asked, uri))?);
    }
    Ok(())
}

fn judge(asked: [&str; 4], uri: &str) -> Outcome {
    let received = AuthorizationHeader::parse(&input()?)?;
    let mut expected = received.clone();
    expected.uri = uri.into();
    expected.digest(&context(asked, uri));
    println!("{}", if expected == received { "right" } else { "wrong" });
    Ok(())
}

fn context<'a>([user, password, method, body]: [&'a str; 4], uri: &'a str) -> AuthContext<'a> {
    let body = (body != "-").then_some(body.as_bytes());
    AuthContext::new_with_method(user, password, uri, body, HttpMethod::from(method))
}

fn input() -> Result<String, io::Error> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
