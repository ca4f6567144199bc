import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamFromJson, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import { expect } from "chai";
import { RefusalReason, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../../proto/gen/google/rpc/error_details_pb.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import { bytesOf, framesIn, sendRaw } from "../../support/raw-call.ts";
import { withStores } from "../../support/with-stores.ts";

type Told = { readonly error: ConnectError | undefined; readonly status: number };
/** Sends bytes as the message of a call, and says how they are compressed. */
type Send = (app: OpenApp, method: string, bytes: Buffer, compression?: "gzip" | "zstd") => Promise<Told>;

const FALLBACK = new ConnectError("an answer that is none", Code.DataLoss);

function framed(bytes: Buffer, compressed: boolean): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const unary: Send = async ({ port }, method, bytes, compression) => {
  const headers: Record<string, string> =
    compression === undefined ? {} : { "content-encoding": compression };
  const response = await sendRaw({ port, method, fields: {}, headers }, "application/proto", bytes);
  const body = await bytesOf(response);
  const status = response.statusCode ?? 0;
  return { status, error: status === 200 ? undefined : errorFromJsonBytes(body, undefined, FALLBACK) };
};

const framedOver =
  (type: string, encoding: string, read: (last: Buffer) => ConnectError | undefined): Send =>
  async ({ port }, method, bytes, compression) => {
    const headers: Record<string, string> = compression === undefined ? {} : { [encoding]: compression };
    const call = { port, method, fields: {}, headers };
    const response = await sendRaw(call, type, framed(bytes, compression !== undefined));
    const last = framesIn(await bytesOf(response)).at(-1)?.body ?? Buffer.alloc(0);
    return { status: response.statusCode ?? 0, error: read(last) };
  };

const grpc: Send = async ({ grpcPort }, method, bytes, compression) => {
  const session = connect(`http://127.0.0.1:${grpcPort}`);
  try {
    const stream = session.request({
      ...{ ":method": "POST", ":path": `/coupon.v1.${method}`, te: "trailers" },
      ...{
        "content-type": "application/grpc+proto",
        ...(compression === undefined ? {} : { "grpc-encoding": compression }),
      },
    });
    const seen = new Headers();
    let status = 0;
    const note = (headers: object) => {
      for (const [name, value] of Object.entries(headers))
        if (name === ":status") status = Number(value);
        else if (!name.startsWith(":")) seen.set(name, String(value));
    };
    stream.on("response", note).on("trailers", note).resume();
    stream.end(framed(bytes, compression !== undefined));
    await new Promise((resolve, reject) => stream.once("close", resolve).once("error", reject));
    return { status, error: findTrailerError(seen) };
  } finally {
    session.close();
  }
};

const grpcWeb = framedOver("application/grpc-web+proto", "grpc-encoding", (last) =>
  findTrailerError(trailerParse(last)),
);
const connectStream = framedOver(
  "application/connect+proto",
  "connect-content-encoding",
  (last) => endStreamFromJson(last).error,
);

const UNARY = ["CouponService/IssueCoupon", "CouponService/FindCoupon", "CouponService/GetCampaignStatus"];
const WAYS: readonly (readonly [name: string, send: Send, methods: readonly string[], status: number])[] = [
  ["Connect", unary, UNARY, 400],
  ["Connect, stream", connectStream, ["CampaignService/ExportCoupons"], 200],
  ["gRPC-Web", grpcWeb, [...UNARY, "CampaignService/ExportCoupons"], 200],
  ["gRPC", grpc, [...UNARY, "CampaignService/ExportCoupons"], 200],
];

const CUT_GZIP = gzipSync(Buffer.alloc(500, "\n")).subarray(0, -12);
const MALFORMED: readonly (readonly [name: string, bytes: Buffer, compression?: "gzip"])[] = [
  ["a varint that does not end", Buffer.from([0xff, 0xff])],
  ["a varint of more than ten bytes", Buffer.from([0x08, ...Array<number>(11).fill(0xff), 1])],
  ["a length beyond the end", Buffer.from([10, 200])],
  ["a length of more than two gigabytes", Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ["text that is no UTF-8", Buffer.from([10, 2, 0xff, 0xfe])],
  ["a tag without a value", Buffer.from([8])],
  ["a field of number 0", Buffer.from([0, 0])],
  ["a wire type that there is not", Buffer.from([0x0f])],
  ["the end of a group that never began", Buffer.from([0x0c])],
  ["a group that does not end", Buffer.from([0x7b])],
  ["what is no gzip", Buffer.from("not gzip"), "gzip"],
  ["gzip that is cut off", CUT_GZIP, "gzip"],
  ["malformed protobuf in gzip", gzipSync(Buffer.from([10, 200])), "gzip"],
];

function infoOf(error: ConnectError | undefined): string {
  const infos = error?.findDetails(ErrorInfoSchema) ?? [];
  return infos.map(({ reason, domain }) => `${reason} of ${domain}`).join();
}

describe("a request that cannot be decoded", () => {
  const stores = withStores();
  let app: OpenApp;

  before(async () => {
    const asked = ({ campaignId }: { readonly campaignId: string }) =>
      Promise.reject(
        campaignId === "B"
          ? new ConnectError("half a character: \ud800", Code.Aborted)
          : new Error("a handler was asked"),
      );
    app = await openApp(stores, {
      clock: systemClock,
      couponService: { issueCoupon: asked, findCoupon: asked, getCampaignStatus: asked },
    });
  });
  after(() => app.close());

  for (const [way, send, methods, wantedStatus] of WAYS) {
    it(`is INVALID over ${way}, whatever is wrong with it`, async () => {
      for (const method of methods) {
        for (const [name, bytes, compression] of MALFORMED) {
          const { error, status } = await send(app, method, bytes, compression);
          const what = `${method}: ${name}: ${error?.rawMessage}`;
          expect([status, error?.code], what).to.deep.equal([wantedStatus, Code.InvalidArgument]);
          const [detail] = error?.findDetails(RefusalSchema) ?? [];
          expect(detail?.reason, what).to.equal(RefusalReason.INVALID);
          expect(error?.findDetails(ErrorInfoSchema)[0]?.reason, what).to.equal("INVALID");
          const [bad] = error?.findDetails(BadRequestSchema) ?? [];
          expect(
            bad?.fieldViolations.map(({ field }) => field),
            what,
          ).to.deep.equal(["request"]);
        }
      }
    });

    it(`is resource_exhausted over ${way} where it is too large, before and after decompression`, async () => {
      const large = Buffer.alloc(17 * 1_024, "\n");
      for (const method of methods)
        for (const compression of [undefined, "gzip"] as const) {
          const bytes = compression === undefined ? large : gzipSync(large);
          const { error } = await send(app, method, bytes, compression);
          expect(error?.code, `${method} ${error?.rawMessage}`).to.equal(Code.ResourceExhausted);
          expect(infoOf(error), method).to.equal("REQUEST_TOO_LARGE of coupon.v1");
        }
    });

    it(`is unimplemented over ${way} where its compression is unknown`, async () => {
      for (const method of methods) {
        const { error } = await send(app, method, Buffer.from([10, 1, 0x41]), "zstd");
        expect(error?.code, `${method} ${error?.rawMessage}`).to.equal(Code.Unimplemented);
        expect(error?.rawMessage).to.include('"zstd"').and.include("gzip");
        expect(infoOf(error), method).to.equal("UNKNOWN_COMPRESSION of coupon.v1");
      }
    });
  }

  it("is told that its path is not served, with the reason", async () => {
    const { error, status } = await unary(app, "CouponService/NoMethod", Buffer.from([0]));
    const told = [status, error?.code, infoOf(error)];
    expect(told).to.deep.equal([404, Code.Unimplemented, "UNIMPLEMENTED of coupon.v1"]);
  });

  it("a call whose answer the framework cannot write is answered as internal, and does not hang", async () => {
    for (const [way, send, [method = ""]] of WAYS) {
      if (!way.startsWith("gRPC")) continue;
      const { error } = await send(app, method, Buffer.from([10, 1, 0x42]));
      expect(error?.code, way).to.equal(Code.Internal);
      expect(infoOf(error), way).to.equal("INTERNAL of coupon.v1");
    }
  });

  it("a good request still meets its handler, whose trouble stays internal", async () => {
    for (const [way, send, [method = ""]] of WAYS) {
      if (!method.startsWith("CouponService")) continue;
      const { error } = await send(app, method, Buffer.from([10, 1, 0x41]));
      expect(error?.code, way).to.equal(Code.Internal);
      expect(infoOf(error), way).to.equal("INTERNAL of coupon.v1");
    }
  });
});
