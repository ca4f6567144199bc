import { connect } from "node:net";
import { until } from "../../local/poll.ts";
import { HANG_MS } from "./patience.ts";

/** Requests and answers in bytes, over connections that no client library touches. */

export type BareAnswer = { status: string; headers: Record<string, string>; body: string };

/** Sends `pieces` on one bare connection, each in a packet of its own; returns all answers. */
export async function talk(
  port: number,
  pieces: readonly (string | Uint8Array)[],
  answers = 1,
): Promise<BareAnswer[]> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const got: Buffer[] = [];
  let closed = false;
  socket.on("data", (data: Buffer) => void got.push(data));
  socket.on("end", () => {
    closed = true;
  });
  socket.on("error", () => {
    closed = true;
  });
  for (const piece of pieces) {
    await new Promise<void>((resolve) => {
      if (piece.length === 0) socket.end(resolve);
      else socket.write(piece, () => resolve());
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  let parsed: BareAnswer[] = [];
  await until(() => {
    parsed = parse(Buffer.concat(got));
    return parsed.length >= answers || closed;
  }, HANG_MS);
  socket.destroy();
  return parsed;
}

/** Parses whole answers that have a content-length, in order. */
function parse(bytes: Buffer): BareAnswer[] {
  const answers: BareAnswer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return answers;
    const [status = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const headers = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
    const named = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const length = Number(named["content-length"] ?? 0);
    if (bytes.length < end + 4 + length) return answers;
    const body = bytes.toString("latin1", end + 4, end + 4 + length);
    answers.push({ status, headers: named, body });
    at = end + 4 + length;
  }
}

export type Shape = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** undefined: the length of the body; null: no content-length. */
  readonly length?: string | null;
  readonly host?: string;
  readonly method?: string;
  readonly version?: string;
};

export function message(path: string, shape: Shape): { head: string; body: Uint8Array } {
  const body =
    typeof shape.body === "string" ? new TextEncoder().encode(shape.body) : (shape.body ?? new Uint8Array());
  const headers: Record<string, string> = {
    host: shape.host ?? "127.0.0.1",
    "content-type": "application/json",
  };
  if (shape.length !== null) headers["content-length"] = shape.length ?? String(body.length);
  Object.assign(headers, shape.headers);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return {
    head: `${shape.method ?? "POST"} ${path} HTTP/${shape.version ?? "1.1"}\r\n${lines.join("")}\r\n`,
    body,
  };
}

/** The parts of an answer that must be equal: not its time, nor how long to wait until the start. */
export function comparable({ status, headers, body }: BareAnswer) {
  const { date, "content-length": length, ...rest } = headers;
  // The id of a call of no trace is its own; that of a trace must be equal.
  if (/^[\da-f]{12}-[\da-f]{8}$/.test(rest["x-request-id"] ?? "")) rest["x-request-id"] = "its own";
  let told: unknown = body;
  const isCountdown = body.includes('"startsAt"');
  if (isCountdown && "retry-after" in rest) rest["retry-after"] = "some time";
  // Else to the byte, the order of the fields included.
  if (isCountdown && headers["content-type"] === "application/json") {
    const json = JSON.parse(body) as {
      details?: { value?: string; debug: { retryAfterMs?: string; retryDelay?: string } }[];
    };
    for (const detail of json.details ?? []) {
      if ("startsAt" in detail.debug || "retryDelay" in detail.debug) {
        delete detail.debug.retryAfterMs;
        delete detail.debug.retryDelay;
        delete detail.value;
      }
    }
    told = json;
  }
  return {
    status,
    headers: { ...rest, hasDate: date !== undefined, hasLength: length !== undefined },
    told,
  };
}
