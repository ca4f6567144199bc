import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { deserialize } from "bson";
import { bodyOf, commandOf, MessageReader } from "../../local/wire-message.mjs";

/** A command as MongoDB judges whether a user may run it. */
export type SentCommand = { readonly name: string; readonly database: string };

/** Passes connections on to a MongoDB, and records the commands that come by. */
export type CommandRecorder = {
  readonly port: number;
  readonly commands: readonly SentCommand[];
  close(): Promise<void>;
};

export async function recordCommands(target: { host: string; port: number }): Promise<CommandRecorder> {
  const commands = new Map<string, SentCommand>();
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target);
    const reader = new MessageReader();
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
    }
    near.on("data", (chunk: Buffer) => {
      // A copy: what is passed on must not share its bytes with what is read here.
      reader.push(Buffer.from(chunk));
      far.write(chunk);
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        const body = bodyOf(message);
        const name = commandOf(message)?.name;
        if (body === undefined || name === undefined) continue;
        const { $db: database } = deserialize(message.subarray(body.start, body.end)) as { $db: string };
        commands.set(`${name} ${database}`, { name, database });
      }
    });
    far.pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get commands() {
      return [...commands.values()];
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
