import { request } from "node:http";
import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import {
  FindCouponRequestSchema,
  FindCouponResponseSchema,
  IssueCouponRequestSchema,
  IssueCouponResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { framesIn } from "./raw-call.ts";

export type ClaimFields = { campaignId: string; userId?: string; requestId?: string };

/** A method that answers with a coupon. */
type Method = "IssueCoupon" | "FindCoupon";

/** An answer with a coupon, or the code of a refusal; neither: the connection was refused. */
export type Claimed = {
  readonly coupon?: string | undefined;
  readonly replayed?: boolean;
  readonly code?: Code | undefined;
  /** Everything that came back, to look for what must not be there. */
  readonly text: string;
};

type Ask = (
  ports: { port: number; grpcPort: number },
  fields: ClaimFields,
  authorization: readonly string[],
  /** Names and values of other fields in turn. */
  more?: readonly string[],
) => Promise<Claimed>;

/** A transport by hand: a client library sends one valid Authorization field only. */
export type ClaimTransport = {
  readonly name: string;
  /** Calls IssueCoupon. */
  readonly claim: Ask;
  /** Calls FindCoupon. */
  readonly find: Ask;
};

const pathOf = (method: Method) => `/coupon.v1.CouponService/${method}`;
/** What Node's parser answers to a head that is too long. */
const HEAD_TOO_LONG = 431;
const END_FLAG = 0x80;

const requestOf = { IssueCoupon: IssueCouponRequestSchema, FindCoupon: FindCouponRequestSchema } as const;

type Write = (fields: ClaimFields, method: Method) => Buffer;

const json: Write = (fields, method) =>
  Buffer.from(toJsonString(requestOf[method], create(requestOf[method], fields)));
const binary: Write = (fields, method) =>
  Buffer.from(toBinary(requestOf[method], create(requestOf[method], fields)));

function framed(body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

export const CLAIM_TRANSPORTS: readonly ClaimTransport[] = [
  http1("Connect, JSON, on the fast path", "application/json", [], json, ofJson),
  http1("Connect, binary, on the fast path", "application/proto", [], binary, ofBinary),
  http1(
    "Connect, through the framework",
    "application/json",
    ["content-encoding", "gzip"],
    (fields, method) => gzipSync(json(fields, method)),
    ofJson,
  ),
  http1(
    "gRPC-Web",
    "application/grpc-web+proto",
    [],
    (fields, method) => framed(binary(fields, method)),
    ofGrpcWeb,
  ),
  { name: "gRPC", claim: byGrpc("IssueCoupon"), find: byGrpc("FindCoupon") },
];

type Replied = { status: number; headers: Readonly<Record<string, unknown>>; body: Buffer };

function http1(
  name: string,
  type: string,
  more: readonly string[],
  write: Write,
  read: (replied: Replied, method: Method) => Omit<Claimed, "text">,
): ClaimTransport {
  const asking =
    (method: Method): Ask =>
    ({ port }, fields, authorization, others = []) =>
      new Promise((resolve, reject) => {
        const path = pathOf(method);
        const body = write(fields, method);
        const headers = ["host", `127.0.0.1:${port}`, "content-type", type, ...more, ...others];
        headers.push("content-length", String(body.length));
        for (const value of authorization) headers.push("authorization", value);
        const sent = request({ host: "127.0.0.1", port, path, method: "POST", agent: false, headers });
        sent.on("response", async (response) => {
          const parts: Buffer[] = [];
          for await (const part of response) parts.push(part as Buffer);
          const replied = {
            ...{ status: response.statusCode ?? 0, headers: response.headers },
            body: Buffer.concat(parts),
          };
          const text = JSON.stringify(response.headers) + replied.body.toString();
          resolve(replied.status === HEAD_TOO_LONG ? { text } : { ...read(replied, method), text });
        });
        sent.on("error", reject);
        sent.end(body);
      });
  return { name, claim: asking("IssueCoupon"), find: asking("FindCoupon") };
}

function ofJson({ status, body }: Replied): Omit<Claimed, "text"> {
  const said = JSON.parse(body.toString());
  if (status !== 200) return { code: codeFromString(said.code) };
  return { coupon: said.coupon.code, replayed: said.replayed === true };
}

function ofBinary({ status, headers, body }: Replied, method: Method): Omit<Claimed, "text"> {
  return status === 200 ? ofMessage(body, method) : ofJson({ status, headers, body });
}

function ofMessage(body: Buffer, method: Method): Omit<Claimed, "text"> {
  if (method === "FindCoupon") return { coupon: fromBinary(FindCouponResponseSchema, body).coupon?.code };
  const { coupon, replayed } = fromBinary(IssueCouponResponseSchema, body);
  return { coupon: coupon?.code, replayed };
}

function ofGrpcWeb({ headers, body }: Replied, method: Method): Omit<Claimed, "text"> {
  const frames = framesIn(body);
  const end = frames.find(({ flags }) => (flags & END_FLAG) !== 0)?.body.toString() ?? "";
  const status = Number(headers["grpc-status"] ?? /grpc-status: *(\d+)/i.exec(end)?.[1]);
  return status === 0 ? ofMessage(frames[0]?.body ?? Buffer.alloc(0), method) : { code: status };
}

/** Several fields of a name become a list, of which Node's client sends each. */
function fieldsOf(pairs: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? "";
    fields[name] = [...(fields[name] ?? []), pairs[at + 1] ?? ""];
  }
  return fields;
}

function byGrpc(method: Method): Ask {
  return (ports, fields, authorization, more) => askByGrpc(method, ports, fields, authorization, more);
}

async function askByGrpc(
  method: Method,
  { grpcPort }: { grpcPort: number },
  fields: ClaimFields,
  authorization: readonly string[],
  more: readonly string[] = [],
): Promise<Claimed> {
  // Node's client refuses to send several; tests/server/http/one-credential.test.ts writes such frames.
  if (authorization.length > 1) return { code: Code.Unauthenticated, text: "" };
  const session = connect(`http://127.0.0.1:${grpcPort}`);
  session.on("error", () => {});
  try {
    return await new Promise<Claimed>((resolve) => {
      const [value] = authorization;
      const stream = session.request({
        ...{
          ":method": "POST",
          ":path": pathOf(method),
          te: "trailers",
          "content-type": "application/grpc+proto",
        },
        ...(value === undefined ? {} : { authorization: value }),
        ...fieldsOf(more),
      });
      const seen: Record<string, unknown> = {};
      const parts: Buffer[] = [];
      const note = (headers: object) => void Object.assign(seen, headers);
      stream.on("response", note);
      stream.on("trailers", note);
      stream.on("data", (part: Buffer) => void parts.push(part));
      stream.on("error", () => {});
      stream.on("close", () => {
        const text = JSON.stringify(seen) + Buffer.concat(parts).toString();
        const status = seen["grpc-status"];
        if (status === undefined) resolve({ text });
        else if (Number(status) !== 0) resolve({ code: Number(status), text });
        else
          resolve({ ...ofMessage(framesIn(Buffer.concat(parts))[0]?.body ?? Buffer.alloc(0), method), text });
      });
      stream.end(framed(binary(fields, method)));
    });
  } finally {
    session.destroy();
  }
}
