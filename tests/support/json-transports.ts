import { gzipSync } from "node:zlib";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { bytesOf, enveloped, framesIn, openGrpc, sendRaw } from "./raw-call.ts";

/** The answer that a caller gets; code undefined: no error. */
export type Told = { readonly code: Code | undefined; readonly message: string };

/** A transport that carries JSON to an RPC; `ask` returns undefined if this RPC cannot be called over it. */
export type JsonTransport = {
  readonly name: string;
  ask(ports: { http: number; grpc: number }, method: DescMethod, json: string): Promise<Told> | undefined;
};

const pathOf = (method: DescMethod) => `${method.parent.name}/${method.name}`;
const isUnary = (method: DescMethod) => method.methodKind === "unary";

/** Every such transport, by hand: a client library would refuse to send a wrong text. */
export const JSON_TRANSPORTS: readonly JsonTransport[] = [
  {
    name: "Connect",
    ask: (ports, method, json) =>
      isUnary(method) ? askUnary(ports.http, method, Buffer.from(json), {}) : undefined,
  },
  {
    name: "Connect, compressed",
    ask: (ports, method, json) =>
      isUnary(method)
        ? askUnary(ports.http, method, gzipSync(json), { "content-encoding": "gzip" })
        : undefined,
  },
  {
    name: "Connect, stream",
    ask: (ports, method, json) => (isUnary(method) ? undefined : askStream(ports.http, method, json)),
  },
  { name: "gRPC-Web", ask: (ports, method, json) => askGrpcWeb(ports.http, method, json) },
  { name: "gRPC", ask: (ports, method, json) => askGrpc(ports.grpc, method, json) },
];

function errorIn(json: { code?: string; message?: string } | undefined): Told {
  return {
    code: json?.code === undefined ? undefined : codeFromString(json.code),
    message: json?.message ?? "",
  };
}

async function askUnary(port: number, method: DescMethod, body: Buffer, headers: Record<string, string>) {
  const call = { port, method: pathOf(method), fields: {}, headers };
  const answer = await bytesOf(await sendRaw(call, "application/json", body));
  return errorIn(JSON.parse(answer.toString()) as { code?: string });
}

async function askStream(port: number, method: DescMethod, json: string): Promise<Told> {
  const call = { port, method: pathOf(method), fields: {} };
  const answer = await bytesOf(await sendRaw(call, "application/connect+json", enveloped(json)));
  const end = framesIn(answer).at(-1)?.body.toString() ?? "{}";
  return errorIn((JSON.parse(end) as { error?: { code?: string } }).error);
}

async function askGrpcWeb(port: number, method: DescMethod, json: string): Promise<Told> {
  const call = { port, method: pathOf(method), fields: {} };
  const response = await sendRaw(call, "application/grpc-web+json", enveloped(json));
  const answer = await bytesOf(response);
  const trailers = new Map(
    (framesIn(answer).at(-1)?.body.toString() ?? "").split("\r\n").map((line) => {
      const [name = "", value = ""] = line.split(/: ?(.*)/s);
      return [name.toLowerCase(), value] as const;
    }),
  );
  const of = (name: string) => trailers.get(name) ?? response.headers[name];
  return grpcTold(of("grpc-status"), of("grpc-message"));
}

async function askGrpc(port: number, method: DescMethod, json: string): Promise<Told> {
  const { session, stream } = openGrpc({ port, method: pathOf(method), fields: {}, json });
  try {
    let told: Told = { code: undefined, message: "no status" };
    const read = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined)
        told = grpcTold(headers["grpc-status"], headers["grpc-message"]);
    };
    stream.on("response", read).on("trailers", read).resume();
    await new Promise((resolve, reject) => stream.once("close", resolve).once("error", reject));
    return told;
  } finally {
    session.close();
  }
}

function grpcTold(status: unknown, message: unknown): Told {
  return {
    code: Number(status) === 0 ? undefined : Number(status),
    message: decodeURIComponent(String(message ?? "")),
  };
}
