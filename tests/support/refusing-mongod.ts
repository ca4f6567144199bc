import { createServer, type Server } from "node:net";
import { serialize } from "bson";
import {
  commandOf,
  isOpMsg,
  legacyReplyOf,
  MessageReader,
  messageOf,
  requestIdOf,
} from "../../local/wire-message.mjs";

/** The parts of a mongod that a wrong password needs: it answers hello, and refuses every authentication. */
export async function refusingMongod(): Promise<Server> {
  const hello = { ok: 1, isWritablePrimary: true, ismaster: true, minWireVersion: 0, maxWireVersion: 25 };
  const refusal = { ok: 0, errmsg: "Authentication failed.", code: 18, codeName: "AuthenticationFailed" };
  const server = createServer((socket) => {
    const reader = new MessageReader();
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      reader.push(chunk);
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        const ids = { id: 1, responseTo: requestIdOf(message) };
        const reply = serialize(commandOf(message)?.name === "saslStart" ? refusal : hello);
        socket.write((isOpMsg(message) ? messageOf : legacyReplyOf)(reply, ids));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
