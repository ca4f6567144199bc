import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { ISSUE_PATH } from "../rpc/issue-answer.ts";

/** Callers in this process, each on a connection of its own. */
export type LoopbackCallers = {
  /** Sends a claim and resolves with the status of the answer. One claim at a time on each connection. */
  ask(connection: number, type: "application/json" | "application/proto", body: Buffer): Promise<number>;
  close(): void;
};

const LOOPBACK = "127.0.0.1";

/**
 * Lets the server listen on loopback, at a port that no one else is told, and connects so many callers. What
 * they do is as little as can be: the server's part is what is to be warmed up. Workers of one group would
 * share the port, and meet each other's shadows, if it were not exclusive.
 */
export async function connectCallers(server: Server, connections: number): Promise<LoopbackCallers> {
  server.listen({ port: 0, host: LOOPBACK, exclusive: true });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const callers = Array.from({ length: connections }, () => createCaller(port));
  return {
    async ask(connection, type, body) {
      const caller = callers[connection];
      if (caller === undefined) throw new Error(`there is no connection ${connection}`);
      return caller.ask(
        `POST ${ISSUE_PATH} HTTP/1.1\r\nhost: ${LOOPBACK}:${port}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`,
        body,
      );
    },
    close() {
      for (const { socket } of callers) socket.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

type Waiting = { readonly resolve: (status: number) => void; readonly reject: (cause: unknown) => void };

function createCaller(port: number) {
  const socket: Socket = createConnection({ host: LOOPBACK, port, noDelay: true });
  let waiting: Waiting | undefined;
  let read = "";
  const end = (cause: unknown) => {
    waiting?.reject(cause);
    waiting = undefined;
  };
  socket.setEncoding("latin1");
  socket.on("error", end);
  socket.on("close", () => end(new Error("a connection of a warm-up was closed")));
  socket.on("data", (piece: string) => {
    read += piece;
    const status = statusOf(read);
    if (status === undefined) return;
    read = "";
    waiting?.resolve(status);
    waiting = undefined;
  });
  return {
    socket,
    ask: (head: string, body: Buffer) =>
      new Promise<number>((resolve, reject) => {
        if (socket.destroyed) throw new Error("a connection of a warm-up is closed");
        waiting = { resolve, reject };
        socket.cork();
        socket.write(head, "latin1");
        socket.write(body);
        socket.uncork();
      }),
  };
}

/** The status of an answer that has come whole; undefined: more of it is to come. */
function statusOf(text: string): number | undefined {
  const bodyAt = text.indexOf("\r\n\r\n") + 4;
  if (bodyAt < 4) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1]);
  return text.length < bodyAt + length ? undefined : Number(text.slice(9, 12));
}
