// Smoke drives one Schannel initiator through the service with nothing but the protos:
//
//   node smoke.js PROTOS TARGET HOST PORT
//
// shakes hands with the TLS server at HOST:PORT, sends it a line, reads one back, says goodbye and prints what was negotiated.
import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const FILES = ["package", "credential", "context", "message"].map((name) => `sspi/v1/${name}_service.proto`);
const FLAGS = ["ALLOCATE_MEMORY", "EXTENDED_ERROR", "CONFIDENTIALITY", "STREAM"].map((name) => `CONTEXT_FLAG_${name}`);
const GOING_ON = new Set(["SEC_E_OK", "SEC_I_CONTINUE_NEEDED", "SEC_E_INCOMPLETE_MESSAGE"]);
const SCHANNEL_SHUTDOWN = Buffer.from([1, 0, 0, 0]);

/** The services of sspi.v1 at `target`, each function returning a promise. */
function services(protos, target) {
  const options = { keepCase: true, enums: String, longs: Number, defaults: true, includeDirs: [protos] };
  const { sspi } = grpc.loadPackageDefinition(loader.loadSync(FILES, options));
  const channel = new grpc.Channel(target, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  const stub = (Service) => {
    const client = new Service(target, grpc.credentials.createInsecure(), { channelOverride: channel });
    return (name, request) => promisify(client[name]).call(client, request);
  };
  const { CredentialService, ContextService, MessageService } = sspi.v1;
  return {
    credentials: stub(CredentialService),
    contexts: stub(ContextService),
    messages: stub(MessageService),
    close: () => channel.close(),
  };
}

const find = (buffers, type) => buffers.find((buffer) => buffer.type === type);

function check(result) {
  if (!GOING_ON.has(result?.status)) {
    throw new Error(`${result?.status} (0x${(result?.code ?? 0).toString(16)}): ${result?.message}`);
  }
  return result.status;
}

/** One context, the socket to its peer and what came from there and is not used yet. */
class Conversation {
  constructor(service, credential, host, socket) {
    Object.assign(this, { service, credential, host, socket, handle: null, pending: Buffer.alloc(0) });
    this.incoming = socket[Symbol.asyncIterator]();
  }

  /** Every leg: the token of each goes out whatever its status, EXTRA bytes are used before more are read. */
  async handshake() {
    let status = await this.leg();
    while (status !== "SEC_E_OK") {
      if (this.pending.length === 0 || status === "SEC_E_INCOMPLETE_MESSAGE") await this.receive();
      status = await this.leg(this.pending);
    }
  }

  async leg(token = Buffer.alloc(0)) {
    const later = [{ type: "SECBUFFER_TOKEN", data: token }, { type: "SECBUFFER_EMPTY" }];
    const reply = await this.service.contexts("InitializeSecurityContext", {
      credential: this.credential,
      context: this.handle,
      target_name: this.host,
      flags: FLAGS,
      input: this.handle ? later : [],
    });
    this.handle = reply.context ?? this.handle;
    const output = find(reply.output, "SECBUFFER_TOKEN");
    if (output?.data.length) this.socket.write(output.data);
    if (reply.result.status !== "SEC_E_INCOMPLETE_MESSAGE") this.keepExtra(reply.input);
    return check(reply.result);
  }

  async send(data) {
    const message = [{ type: "SECBUFFER_DATA", data }];
    const reply = await this.service.messages("EncryptMessage", { context: this.handle, message });
    check(reply.result);
    this.socket.write(Buffer.concat(reply.message.map((buffer) => buffer.data)));
  }

  /** Opens records until they held a line; what TLS 1.3 sends between them (tickets) is a leg. */
  async receiveLine() {
    let line = Buffer.alloc(0);
    while (!line.includes("\n")) {
      if (this.pending.length === 0) await this.receive();
      const message = [{ type: "SECBUFFER_DATA", data: this.pending }];
      const reply = await this.service.messages("DecryptMessage", { context: this.handle, message });
      if (reply.result.status === "SEC_E_INCOMPLETE_MESSAGE") {
        await this.receive();
        continue;
      }
      line = Buffer.concat([line, find(reply.message, "SECBUFFER_DATA")?.data ?? Buffer.alloc(0)]);
      this.keepExtra(reply.message);
      if (reply.result.status === "SEC_I_RENEGOTIATE") await this.leg(this.pending);
      else check(reply.result);
    }
    return line.toString();
  }

  /** close_notify: SCHANNEL_SHUTDOWN as a control token, then the leg whose token it is. */
  async shutdown() {
    const input = [{ type: "SECBUFFER_TOKEN", data: SCHANNEL_SHUTDOWN }];
    check((await this.service.contexts("ApplyControlToken", { context: this.handle, input })).result);
    await this.leg();
  }

  async receive() {
    const { value, done } = await this.incoming.next();
    if (done) throw new Error("the peer closed the connection");
    this.pending = Buffer.concat([this.pending, value]);
  }

  /** Keeps the end of what was received that the call did not consume. */
  keepExtra(buffers) {
    const left = find(buffers, "SECBUFFER_EXTRA")?.size ?? 0;
    this.pending = this.pending.subarray(this.pending.length - left);
  }

  async delete() {
    if (this.handle) await this.service.contexts("DeleteSecurityContext", { context: this.handle });
  }
}

async function talk(conversation) {
  await conversation.handshake();
  const attribute = "SECPKG_ATTR_CONNECTION_INFO";
  const info = await conversation.service.contexts("QueryContextAttributes", { context: conversation.handle, attribute });
  check(info.result);
  console.log("protocol", info.value.connection_info.protocol);
  await conversation.send(Buffer.from("hello\n"));
  process.stdout.write(`received ${await conversation.receiveLine()}`);
  await conversation.shutdown();
}

async function main(protos, target, host, port) {
  const service = services(protos, target);
  const use = "CREDENTIAL_USE_OUTBOUND";
  const request = { package_name: "Schannel", use, auth_data: { anonymous: {} } };
  const { result, credential } = await service.credentials("AcquireCredentialsHandle", request);
  check(result);
  const socket = connect({ host, port: Number(port), timeout: 10_000 });
  socket.on("timeout", () => socket.destroy(new Error("the peer is silent")));
  await once(socket, "connect");
  const conversation = new Conversation(service, credential, host, socket);
  try {
    await talk(conversation);
  } finally {
    await conversation.delete();
    await service.credentials("FreeCredentialsHandle", { credential });
    socket.destroy();
    service.close();
  }
}

const given = process.argv.slice(2);
if (given.length !== 4) {
  console.error("usage: node smoke.js PROTOS TARGET HOST PORT");
  process.exit(2);
}
await main(...given).catch((error) => {
  console.error(`smoke: ${error.message}`);
  process.exitCode = 1;
});
