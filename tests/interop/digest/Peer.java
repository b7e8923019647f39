// Java's DIGEST-MD5 as a peer: "client" or "server", the quality of protection and the ciphers come as arguments; one
// base64 line a message on standard input and output; after the handshake one sealed message each way.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.sasl.AuthorizeCallback;
import javax.security.sasl.RealmCallback;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;
import javax.security.sasl.SaslException;
import javax.security.sasl.SaslServer;

class Peer {
  static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));

  static byte[] hear() throws Exception {
    return Base64.getDecoder().decode(IN.readLine());
  }

  static void say(byte[] message) {
    System.out.println(Base64.getEncoder().encodeToString(message == null ? new byte[0] : message));
    System.out.flush();
  }

  static void answer(Callback[] asked, String user, String password) {
    for (Callback one : asked) {
      if (one instanceof NameCallback) {
        ((NameCallback) one).setName(user);
      } else if (one instanceof PasswordCallback) {
        ((PasswordCallback) one).setPassword(password.toCharArray());
      } else if (one instanceof RealmCallback) {
        ((RealmCallback) one).setText(((RealmCallback) one).getDefaultText());
      } else if (one instanceof AuthorizeCallback) {
        ((AuthorizeCallback) one).setAuthorized(true);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    String user = arguments[3];
    String password = arguments[4];
    Map<String, String> settings = new HashMap<>();
    settings.put(Sasl.QOP, arguments[1]);
    settings.put("com.sun.security.sasl.digest.cipher", arguments[2]);
    settings.put("com.sun.security.sasl.digest.realm", "example.test");
    byte[] greeting = ("from java " + user).getBytes(StandardCharsets.UTF_8);
    try {
      if (arguments[0].equals("client")) {
        String[] mechanisms = {"DIGEST-MD5"};
        SaslClient client =
            Sasl.createSaslClient(mechanisms, null, "ldap", "example.test", settings, asked -> answer(asked, user, password));
        while (!client.isComplete()) {
          say(client.evaluateChallenge(hear()));
        }
        if (!arguments[1].equals("auth")) {
          say(client.wrap(greeting, 0, greeting.length));
          byte[] sealed = hear();
          say(client.unwrap(sealed, 0, sealed.length));
        }
      } else {
        SaslServer server =
            Sasl.createSaslServer("DIGEST-MD5", "ldap", "example.test", settings, asked -> answer(asked, user, password));
        say(server.evaluateResponse(new byte[0]));
        while (!server.isComplete()) {
          say(server.evaluateResponse(hear()));
        }
        if (!arguments[1].equals("auth")) {
          say(server.wrap(greeting, 0, greeting.length));
          byte[] sealed = hear();
          say(server.unwrap(sealed, 0, sealed.length));
        }
      }
      System.out.println("done");
    } catch (SaslException failure) {
      System.out.println("refused " + failure.getMessage());
    }
  }
}
