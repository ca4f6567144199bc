import { connect, type Socket } from "node:net";

/** The status and body of an answer; or status 0 and, as the body, the reason why there was none. */
export type LightAnswer = { readonly status: number; readonly body: string };

export type LightClient = {
  /**
   * POSTs JSON over a kept connection; waits for a place while all are in use. Never rejects. `onSent` is
   * called when the request is written.
   */
  post(path: string, json: string, onSent?: () => void): Promise<LightAnswer>;
  /** Those that wait for a place are not sent, and have no answer. */
  dropWaiting(): void;
  close(): void;
};

export type LightClientOptions = {
  /** The addresses of this machine from which it connects, in turn; none: the kernel chooses. */
  readonly addresses?: readonly string[];
  /** A connection is closed after so many answers; undefined: kept. */
  readonly answersPerConnection?: number | undefined;
};

type Connection = {
  readonly socket: Socket;
  settle: ((answer: LightAnswer) => void) | undefined;
  answers: number;
};
type Waiting = {
  readonly request: string;
  readonly settle: (answer: LightAnswer) => void;
  readonly onSent: (() => void) | undefined;
};

const HEAD_END = "\r\n\r\n";
const STATUS_AT = "HTTP/1.1 ".length;

/**
 * HTTP/1.1 directly on sockets, one request at a time on each. The load shares its two cores with the service
 * that it measures: `node:http` takes 0.20 ms of processor time a request, which at thousands a second would
 * be most of a core; this client takes a third of that. It parses only answers with a Content-Length; any
 * other answer is reported as status 0, so it is not lost.
 */
export function createLightClient(
  baseUrl: string,
  connectionsMax: number,
  { addresses = [], answersPerConnection = Number.POSITIVE_INFINITY }: LightClientOptions = {},
): LightClient {
  const { hostname, port, host } = new URL(baseUrl);
  const all = new Set<Connection>();
  /**
   * The connection that was used last is used first: few stay in use, as with a browser's or a proxy's pool.
   */
  const free: Connection[] = [];
  const waiting: Waiting[] = [];
  let served = 0;
  let opened = 0;

  function open(): Connection {
    const localAddress = addresses[opened % addresses.length];
    opened += 1;
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ host: hostname, port: Number(port), noDelay: true, ...from });
    const connection: Connection = { socket, settle: undefined, answers: 0 };
    all.add(connection);
    let read = "";
    let why = "the connection was closed";
    // In latin1 a character is a byte, the unit of Content-Length; the body is decoded when it is complete.
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      read = read === "" ? part : read + part;
      const answer = wholeAnswer(read);
      if (answer === undefined) return;
      read = "";
      connection.answers += 1;
      if (answer.status === 0 || connection.answers >= answersPerConnection) socket.destroy();
      finish(connection, answer);
    });
    socket.on("error", (error) => {
      why = error.message;
    });
    socket.on("close", () => {
      all.delete(connection);
      const at = free.indexOf(connection);
      if (at >= 0) free.splice(at, 1);
      // One that was closed after its last answer has its successor already.
      if (connection.settle !== undefined || all.size < connectionsMax)
        finish(connection, { status: 0, body: why });
    });
    return connection;
  }

  function send(connection: Connection, { request, settle, onSent }: Waiting): void {
    connection.settle = settle;
    connection.socket.write(request);
    onSent?.();
  }

  function finish(connection: Connection, answer: LightAnswer): void {
    const { settle } = connection;
    connection.settle = undefined;
    settle?.(answer);
    if (connection.settle !== undefined) return;
    const next = waiting[served];
    if (next !== undefined) {
      served += 1;
      if (served === waiting.length) dropWaiting();
      send(connection.socket.destroyed ? open() : connection, next);
    } else if (!connection.socket.destroyed && settle !== undefined) free.push(connection);
  }

  function dropWaiting(): void {
    waiting.length = 0;
    served = 0;
  }

  return {
    post(path, json, onSent) {
      const length = Buffer.byteLength(json);
      const request =
        `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
        `content-length: ${length}\r\n\r\n${json}`;
      return new Promise((settle) => {
        const connection = free.pop() ?? (all.size < connectionsMax ? open() : undefined);
        if (connection === undefined) waiting.push({ request, settle, onSent });
        else send(connection, { request, settle, onSent });
      });
    },
    dropWaiting,
    close() {
      dropWaiting();
      for (const { socket } of all) socket.destroy();
    },
  };
}

/**
 * The answer, once all of it was read (undefined: not yet); status 0 where it cannot be parsed. `text` has
 * one character for each byte.
 */
export function wholeAnswer(text: string): LightAnswer | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (!head.startsWith("HTTP/1.1 ") || length === undefined)
    return { status: 0, body: `not an answer with a length: ${head.split("\r\n")[0]}` };
  const bodyAt = headEnd + HEAD_END.length;
  const bodyBytes = text.length - bodyAt;
  if (bodyBytes < Number(length)) return undefined;
  if (bodyBytes > Number(length)) return { status: 0, body: "more bytes than the answer is long" };
  const status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
  return { status, body: Buffer.from(text.slice(bodyAt), "latin1").toString("utf8") };
}
