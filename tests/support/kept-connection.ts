import { once } from "node:events";
import { connect } from "node:net";

/** An answer with a content-length. */
export type KeptAnswer = { readonly status: number; readonly connection: string; readonly body: string };

/**
 * A connection over HTTP/1.1 that a caller keeps open for one request after another, as a proxy does.
 */
export type KeptConnection = {
  /** `body`: sent as a POST of JSON; default: a GET. */
  ask(path: string, body?: object): Promise<KeptAnswer>;
  /** Whether the server has ended the connection. */
  ended(): boolean;
  close(): void;
};

/** Rejects if no program listens on the port. */
export async function keepConnection(port: number): Promise<KeptConnection> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  let bytes = Buffer.alloc(0);
  let ended = false;
  const end = () => {
    ended = true;
  };
  socket.on("error", end).on("close", end);
  let take: () => void = () => undefined;
  socket.on("data", (data: Buffer) => {
    bytes = Buffer.concat([bytes, data]);
    take();
  });

  function taken(): KeptAnswer | undefined {
    const headEnd = bytes.indexOf("\r\n\r\n");
    const head = bytes.toString("latin1", 0, headEnd);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
    const bodyEnd = headEnd + 4 + length;
    if (headEnd < 0 || bytes.length < bodyEnd) return undefined;
    const body = bytes.toString("utf8", headEnd + 4, bodyEnd);
    bytes = bytes.subarray(bodyEnd);
    const status = Number(head.split(" ", 2)[1]);
    return { status, connection: /^connection: (.*)$/im.exec(head)?.[1] ?? "", body };
  }

  return {
    ask(path, body) {
      const json = body === undefined ? "" : JSON.stringify(body);
      const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n`;
      const head = body === undefined ? `GET ${path}` : `POST ${path}`;
      return new Promise((resolve, reject) => {
        take = () => {
          const answer = taken();
          if (answer !== undefined) resolve(answer);
        };
        socket.once("close", () => reject(new Error(`${path}: the connection ended without an answer`)));
        socket.write(`${head} HTTP/1.1\r\nhost: localhost\r\n${body === undefined ? "" : fields}\r\n${json}`);
      });
    },
    ended: () => ended,
    close: () => void socket.destroy(),
  };
}
