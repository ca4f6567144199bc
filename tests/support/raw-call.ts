import { type IncomingMessage, request } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";

/** The messages of a stream of the Connect protocol, and its last frame if it arrived. */
export type RawStream = { readonly messages: readonly Buffer[]; readonly end: RawEnd | undefined };
export type RawEnd = { readonly error?: { readonly code: string; readonly message?: string } };

const FLAG_END = 2;
const ENVELOPE_BYTES = 5;

export type RawCall = {
  readonly port: number;
  /** As in `CampaignService/ExportCoupons`. */
  readonly method: string;
  readonly fields: object;
  /** Sent instead of the fields: a text that no fields could produce. */
  readonly json?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/**
 * Sends a call by hand: a client library has its own deadline, and would hide the server's answer to it.
 */
export function sendRaw(call: RawCall, contentType: string, body: Buffer): Promise<IncomingMessage> {
  const { port, method, headers, signal } = call;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: "127.0.0.1", port, path: `/coupon.v1.${method}`, method: "POST", agent: false },
        headers: { "content-type": contentType, "content-length": body.length, ...headers },
        ...(signal === undefined ? {} : { signal }),
      },
      resolve,
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Opens a stream; none of it is read yet. */
export function openStream(call: RawCall): Promise<IncomingMessage> {
  return sendRaw(call, "application/connect+json", enveloped(JSON.stringify(call.fields)));
}

export function enveloped(json: string): Buffer {
  const message = Buffer.from(json);
  const head = Buffer.alloc(ENVELOPE_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The same over gRPC, on its own session. */
export function openGrpc({ port, method, fields, headers, json = JSON.stringify(fields) }: RawCall): {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
} {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ...{ ":method": "POST", ":path": `/coupon.v1.${method}`, te: "trailers" },
    ...{ "content-type": "application/grpc+json", ...headers },
  });
  stream.end(enveloped(json));
  return { session, stream };
}

/** Reads the stream; returns the number of messages, and the status at its end. */
export async function readGrpc(call: RawCall): Promise<{ messages: number; status: unknown }> {
  const { session, stream } = openGrpc(call);
  try {
    let status: unknown;
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return { messages: framesOf(Buffer.concat(parts)).messages.length, status };
  } finally {
    session.close();
  }
}

/** Reads the whole stream. */
export async function readStream(call: RawCall): Promise<RawStream> {
  return framesOf(await bytesOf(await openStream(call)));
}

export async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function framesOf(bytes: Buffer): RawStream {
  const messages: Buffer[] = [];
  for (const { flags, body } of framesIn(bytes)) {
    if ((flags & FLAG_END) !== 0) return { messages, end: JSON.parse(body.toString()) as RawEnd };
    messages.push(body);
  }
  return { messages, end: undefined };
}

/** The contents of the envelopes, which all three protocols use. */
export function framesIn(bytes: Buffer): { readonly flags: number; readonly body: Buffer }[] {
  const frames: { flags: number; body: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 1);
    const end = at + ENVELOPE_BYTES + length;
    frames.push({ flags: bytes[at] ?? 0, body: bytes.subarray(at + ENVELOPE_BYTES, end) });
    at = end;
  }
  return frames;
}

/** Makes a unary call, in JSON. */
export async function askRaw(call: RawCall): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await sendRaw(call, "application/json", Buffer.from(JSON.stringify(call.fields)));
  const text = (await bytesOf(response)).toString();
  return { status: response.statusCode ?? 0, json: JSON.parse(text) as Record<string, unknown> };
}
