import { type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { enveloped } from "../support/raw-call.ts";

/** How a call is sent on a connection: by hand, because a client library would hide how the caller leaves. */
export type Wire = {
  readonly name: string;
  readonly isHttp2: boolean;
  readonly contentType: (isStream: boolean) => string;
  readonly isEnveloped: (isStream: boolean) => boolean;
  /** Headers that state the caller's deadline. */
  readonly deadline: (ms: number) => Readonly<Record<string, string>>;
};

const connectWire = (name: string, isHttp2: boolean): Wire => ({
  ...{ name, isHttp2, isEnveloped: (isStream) => isStream },
  contentType: (isStream) => (isStream ? "application/connect+json" : "application/json"),
  deadline: (ms) => ({ "connect-timeout-ms": String(ms) }),
});
const grpcWire = (name: string, isHttp2: boolean, contentType: string): Wire => ({
  ...{ name, isHttp2, isEnveloped: () => true, contentType: () => contentType },
  deadline: (ms) => ({ "grpc-timeout": `${ms}m` }),
});

export const WIRES: readonly Wire[] = [
  connectWire("Connect over HTTP/1.1", false),
  connectWire("Connect over HTTP/2", true),
  grpcWire("gRPC", true, "application/grpc+json"),
  grpcWire("gRPC-Web over HTTP/1.1", false, "application/grpc-web+json"),
  grpcWire("gRPC-Web over HTTP/2", true, "application/grpc-web+json"),
];

export type LeavingCall = {
  readonly port: number;
  /** As in `CampaignService/ExportCoupons`. */
  readonly method: string;
  readonly isStream: boolean;
  readonly fields: () => object;
  /** How much of the request is sent; default: all of it. */
  readonly sent?: "head" | "half";
  readonly headers?: Readonly<Record<string, string>>;
  /** False: the caller never reads any of the answer. */
  readonly reads?: boolean;
};

export type LeavingCaller = {
  readonly way: string;
  /** Whether a part of the answer has come, or the connection has ended without one. */
  heard(): boolean;
  leave(): void;
  /** Resolves once the server has received how the caller left, or can receive no more; then closes all. */
  end(): Promise<void>;
};

type Connection = { readonly socket: Socket; readonly stream?: ClientHttp2Stream };
type Way = (connection: Connection) => void;

const SOCKET_WAYS: Readonly<Record<string, Way>> = {
  "closes the connection": ({ socket }) => void socket.destroy(),
  "resets the connection": ({ socket }) => void socket.resetAndDestroy(),
  "closes its half of the connection": ({ socket }) => void socket.end(),
};

const RESET_CODES: Readonly<Record<string, number>> = {
  ...{ NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, SETTINGS_TIMEOUT: 4 },
  ...{ STREAM_CLOSED: 5, FRAME_SIZE_ERROR: 6, REFUSED_STREAM: 7, CANCEL: 8, COMPRESSION_ERROR: 9 },
  ...{ CONNECT_ERROR: 10, ENHANCE_YOUR_CALM: 11, INADEQUATE_SECURITY: 12, HTTP_1_1_REQUIRED: 13 },
};

const HTTP2_WAYS: Readonly<Record<string, Way>> = {
  ...Object.fromEntries(
    Object.entries(RESET_CODES).map(([name, code]): [string, Way] => [
      `resets the stream with ${name}`,
      ({ stream }) => stream?.close(code),
    ]),
  ),
  "ends its session": ({ stream }) => stream?.session?.destroy(),
  "ends its session with an error": ({ stream }) =>
    stream?.session?.destroy(undefined, constants.NGHTTP2_INTERNAL_ERROR),
  "says GOAWAY, then cancels": ({ stream }) => {
    stream?.session?.goaway(constants.NGHTTP2_NO_ERROR);
    stream?.close(constants.NGHTTP2_CANCEL);
    stream?.session?.destroy();
  },
  "cancels, then closes its session": ({ stream }) => {
    const session = stream?.session;
    stream?.close(constants.NGHTTP2_CANCEL);
    session?.close();
  },
  "says GOAWAY, then closes the connection": ({ stream, socket }) => {
    stream?.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR);
    socket.destroy();
  },
};

/** Opens one caller for each way of leaving; the last one stays until its deadline has passed. */
export function leavingCallers(wire: Wire, call: LeavingCall, deadlineMs: number): (() => LeavingCaller)[] {
  const ways = wire.isHttp2 ? { ...SOCKET_WAYS, ...HTTP2_WAYS } : SOCKET_WAYS;
  const open = wire.isHttp2 ? openHttp2 : openHttp1;
  const late = { ...call, headers: { ...call.headers, ...wire.deadline(deadlineMs) } };
  return [
    ...Object.entries(ways).map(
      ([name, way]) =>
        () =>
          open(wire, call, name, way),
    ),
    () => open(wire, late, "stays past its deadline", () => undefined),
  ];
}

function bodyOf(wire: Wire, { isStream, fields }: LeavingCall): Buffer {
  const json = JSON.stringify(fields());
  return wire.isEnveloped(isStream) ? enveloped(json) : Buffer.from(json);
}

function partOf(body: Buffer, sent: LeavingCall["sent"]): Buffer {
  if (sent === undefined) return body;
  return body.subarray(0, sent === "head" ? 0 : body.length / 2);
}

function openSocket(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  // Whatever the server does to the connection, the test continues.
  socket.on("error", () => undefined);
  return socket;
}

function openHttp1(wire: Wire, call: LeavingCall, way: string, leave: Way): LeavingCaller {
  const { port, method, isStream, sent, headers, reads = true } = call;
  const socket = openSocket(port);
  let heard = false;
  const hear = () => {
    heard = true;
  };
  if (reads) socket.on("data", hear).on("close", hear);
  const body = bodyOf(wire, call);
  const head = {
    host: "127.0.0.1",
    "content-type": wire.contentType(isStream),
    "content-length": body.length,
    ...headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /coupon.v1.${method} HTTP/1.1\r\n${lines.join("")}\r\n`);
  socket.write(partOf(body, sent));
  return {
    way,
    heard: () => heard,
    leave: () => leave({ socket }),
    end: async () => void socket.destroy(),
  };
}

function openHttp2(wire: Wire, call: LeavingCall, way: string, leave: Way): LeavingCaller {
  const { port, method, isStream, sent, headers, reads = true } = call;
  const socket = openSocket(port);
  const session = connectHttp2(`http://127.0.0.1:${port}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  const stream = session.request({
    ...{ ":method": "POST", ":path": `/coupon.v1.${method}`, te: "trailers" },
    ...{ "content-type": wire.contentType(isStream), ...headers },
  });
  stream.on("error", () => undefined);
  let heard = false;
  const hear = () => {
    heard = true;
  };
  if (reads) stream.on("data", hear).on("close", hear);
  const part = partOf(bodyOf(wire, call), sent);
  if (sent === undefined) stream.end(part);
  else stream.write(part);
  return {
    way,
    heard: () => heard,
    leave: () => leave({ socket, stream }),
    async end() {
      // The server answers the ping only after it has read all frames before it.
      await new Promise<void>((resolve) => {
        socket.once("close", resolve);
        session.once("close", resolve);
        if (socket.destroyed || session.destroyed || socket.writableEnded || !session.ping(() => resolve()))
          resolve();
      });
      session.destroy();
      socket.destroy();
    },
  };
}
