//! Either role of the sspi crate's CredSSP, one exchange a run: TSRequests in and out, no sockets and no TLS.
//!
//! Arguments: client|server, ntlm|negotiate, the highest version, user, domain, password (a client's own, a server's account).
//! A frame is its length in four bytes, high first, and that many bytes. In: the server's public key, then the peer's
//! TSRequests. Out: a letter before each frame; T a TSRequest, E the end (what a server was delegated, a line each of name
//! and password), F a failure in the crate's words.

use std::io::{self, Read, Write};

use sspi::credssp::{
    ClientMode, ClientState, CredSspClient, CredSspMode, CredSspServer, CredentialsProxy,
    ServerMode, ServerState, TsRequest,
};
use sspi::ntlm::NtlmConfig;
use sspi::{AuthIdentity, Credentials, Error, ErrorKind, NegotiateConfig, Username};

const COMPUTER: &str = "RUST";
const TARGET: &str = "TERMSRV/localhost";

fn receive() -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io::stdin().read_exact(&mut length)?;
    let mut data = vec![0; usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?];
    io::stdin().read_exact(&mut data)?;
    Ok(data)
}

fn send(kind: u8, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    out.write_all(&[kind])?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(data)?;
    out.flush()
}

fn send_request(request: &TsRequest) -> sspi::Result<()> {
    let mut data = Vec::new();
    request.encode_ts_request(&mut data)?;
    Ok(send(b'T', &data)?)
}

fn receive_request() -> sspi::Result<TsRequest> {
    Ok(TsRequest::from_buffer(&receive()?)?)
}

/// The one account there is.
struct Account(AuthIdentity);

impl CredentialsProxy for Account {
    type AuthenticationData = AuthIdentity;

    fn auth_data_by_user(&mut self, username: &Username) -> io::Result<AuthIdentity> {
        if username
            .account_name()
            .eq_ignore_ascii_case(self.0.username.account_name())
        {
            // NTLM hashes the domain that the client gave, whatever the account's is.
            return Ok(AuthIdentity {
                username: username.clone(),
                password: self.0.password.clone(),
            });
        }
        Err(io::Error::other("no such account"))
    }

    fn auth_data(&mut self) -> io::Result<Vec<AuthIdentity>> {
        Ok(vec![self.0.clone()])
    }
}

fn ntlm() -> NtlmConfig {
    NtlmConfig::new(COMPUTER.to_owned())
}

/// SPNEGO with nothing but NTLM inside.
fn negotiate() -> NegotiateConfig {
    NegotiateConfig::new(
        Box::new(ntlm()),
        Some("!kerberos,!pku2u,ntlm".to_owned()),
        COMPUTER.to_owned(),
    )
}

fn client(
    key: Vec<u8>,
    mechanism: &str,
    version: u32,
    identity: AuthIdentity,
) -> sspi::Result<String> {
    let mode = if mechanism == "ntlm" {
        ClientMode::Ntlm(ntlm())
    } else {
        ClientMode::Negotiate(negotiate())
    };
    let credentials = Credentials::AuthIdentity(identity);
    let delegates = CredSspMode::WithCredentials;
    let mut end = CredSspClient::new_with_version(
        key,
        credentials,
        delegates,
        version,
        mode,
        TARGET.to_owned(),
    )?;
    let mut request = TsRequest::default();
    loop {
        match end.process(request).resolve_to_result()? {
            ClientState::ReplyNeeded(reply) => send_request(&reply)?,
            ClientState::FinalMessage(reply) => {
                send_request(&reply)?;
                return Ok(String::new());
            }
        }
        request = receive_request()?;
    }
}

fn server(
    key: Vec<u8>,
    mechanism: &str,
    version: u32,
    identity: AuthIdentity,
) -> sspi::Result<String> {
    let mode = if mechanism == "ntlm" {
        ServerMode::Ntlm(ntlm())
    } else {
        ServerMode::Negotiate(negotiate())
    };
    let mut end = CredSspServer::new_with_version(key, Account(identity), version, mode)?;
    loop {
        match end.process(receive_request()?).resolve_to_result() {
            Ok(ServerState::ReplyNeeded(reply)) => send_request(&reply)?,
            Ok(ServerState::Finished(AuthIdentity { username, password })) => {
                return Ok(format!("{}\n{}", username.inner(), password.as_ref()));
            }
            Err(failure) => {
                if let Some(reply) = failure.ts_request {
                    send_request(&reply)?;
                }
                return Err(failure.error);
            }
        }
    }
}

fn run() -> sspi::Result<String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, mechanism, version, user, domain, password] = arguments.as_slice() else {
        return Err(Error::new(
            ErrorKind::InvalidParameter,
            "six arguments, please",
        ));
    };
    let version = version
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidParameter, "the version is no number"))?;
    let domain = Some(domain.as_str()).filter(|name| !name.is_empty());
    let username = Username::new(user, domain)
        .map_err(|error| Error::new(ErrorKind::InvalidParameter, error))?;
    let identity = AuthIdentity {
        username,
        password: password.clone().into(),
    };
    let key = receive()?;
    if role == "client" {
        client(key, mechanism, version, identity)
    } else {
        server(key, mechanism, version, identity)
    }
}

fn main() -> io::Result<()> {
    match run() {
        Ok(text) => send(b'E', text.as_bytes()),
        Err(error) => send(
            b'F',
            format!("{:?}: {}", error.error_type, error.description).as_bytes(),
        ),
    }
}
