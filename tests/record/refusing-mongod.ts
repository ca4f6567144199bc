import { createServer, type Server } from "node:net";
import { BSON } from "mongodb";
import { bodyOf, legacyReplyOf, MessageReader, messageOf, requestIdOf } from "../../local/wire-message.mjs";

/** As much of a mongod as a wrong password needs: it says hello, and no to whoever signs in. */
export async function refusingMongod(): Promise<Server> {
  const hello = { ok: 1, isWritablePrimary: true, ismaster: true, minWireVersion: 0, maxWireVersion: 25 };
  const refusal = { ok: 0, errmsg: "Authentication failed.", code: 18, codeName: "AuthenticationFailed" };
  const server = createServer((socket) => {
    const reader = new MessageReader();
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      reader.push(chunk);
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        const isLegacy = message.readInt32LE(12) !== 2013;
        const ids = { id: 1, responseTo: requestIdOf(message) };
        const body = bodyOf(message);
        const command = body && Object.keys(BSON.deserialize(message.subarray(body.start, body.end)))[0];
        const reply = BSON.serialize(command === "saslStart" ? refusal : hello);
        socket.write((isLegacy ? legacyReplyOf : messageOf)(Buffer.from(reply), ids));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
