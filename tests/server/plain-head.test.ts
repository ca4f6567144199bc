import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect } from "chai";
import fc from "fast-check";
import { until } from "../../local/poll.ts";
import { createPlainHeadReader } from "../../server/http/plain-head.ts";
import { HANG_MS } from "../setup/patience.ts";

const LINE = "POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1";
const BODY_MAX = 16_384;

const head = (...fields: string[]) => Buffer.from(`${[LINE, ...fields].join("\r\n")}\r\n\r\n`, "latin1");
const usual = ["host: a", "content-type: application/json", "content-length: 2"];

describe("the head of a plain request", () => {
  const read = createPlainHeadReader(BODY_MAX);

  it("is read, and tells where the body begins", () => {
    const bytes = Buffer.concat([head(...usual, "connect-timeout-ms: 250"), Buffer.from("{}more")]);
    expect(read(bytes)).to.deep.equal({
      head: { codec: "json", length: 2, timeoutMs: 250 },
      bodyAt: bytes.length - 6,
    });
    expect(read(head("HOST: a ", "Content-Type:application/proto", "CONTENT-LENGTH: 16384"))).to.deep.include(
      {
        head: { codec: "proto", length: 16_384, timeoutMs: Number.POSITIVE_INFINITY },
      },
    );
  });

  it("is asked for more as long as it can still become one, at any byte", () => {
    const whole = head(...usual);
    for (let length = 0; length < whole.length; length++)
      expect(read(whole.subarray(0, length)), String(length)).to.equal("more");
  });

  const unplain: Record<string, Buffer> = {
    "another method": Buffer.from("GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "another path": Buffer.from("POST /coupon.v1.CouponService/FindCoupon"),
    "a query": Buffer.from("POST /coupon.v1.CouponService/IssueCoupon?"),
    "HTTP/1.0": Buffer.from("POST /coupon.v1.CouponService/IssueCoupon HTTP/1.0\r\n"),
    "no host": head(...usual.slice(1)),
    "two hosts": head(...usual, "host: b"),
    "a host that is none": head("host: a b", ...usual.slice(1)),
    "no length": head(...usual.slice(0, 2)),
    "two lengths": head(...usual, "content-length: 2"),
    "a length of nothing": head(...usual.slice(0, 2), "content-length: 0"),
    "a signed length": head(...usual.slice(0, 2), "content-length: +2"),
    "a length in hex": head(...usual.slice(0, 2), "content-length: 0x2"),
    "a length with zeros before it": head(...usual.slice(0, 2), "content-length: 02"),
    "a length of two": head(...usual.slice(0, 2), "content-length: 2, 2"),
    "a body that is too long": head(...usual.slice(0, 2), "content-length: 16385"),
    chunked: head(...usual, "transfer-encoding: chunked"),
    compressed: head(...usual, "content-encoding: gzip"),
    "waiting to be told to go on": head(...usual, "expect: 100-continue"),
    "an upgrade": head(...usual, "upgrade: h2c", "connection: upgrade"),
    "closing the connection": head(...usual, "connection: close"),
    "another content type": head("host: a", "content-type: text/plain", "content-length: 2"),
    "a blank before the colon": head(...usual, "x-a : b"),
    "a folded line": head(...usual, "x-a: b", " c"),
    "a name that is none": head(...usual, "x(a): b"),
    "no colon": head(...usual, "xa"),
    "a tab before a value": head(...usual.slice(0, 2), "content-length:\t2"),
    "a tab behind a value": head(...usual.slice(0, 2), "content-length: 2\t"),
    "the connection field by its other name": head(...usual, "proxy-connection: close"),
    "no field at all": Buffer.from(`${LINE}\r\n\r\n`),
    "a control character": head(...usual, "x-a: b\u0001"),
    "a bare line feed": head(...usual, "x-a: b\ntransfer-encoding: chunked"),
    "bytes beyond ASCII": head(...usual, "x-a: \u00fc"),
    "a malformed deadline": head(...usual, "connect-timeout-ms: soon"),
    "very many fields": head(...usual, ...Array.from({ length: 70 }, (_, i) => `x-${i}: a`)),
    "a very long field": head(...usual, `x-a: ${"b".repeat(9_000)}`),
  };
  for (const [name, bytes] of Object.entries(unplain)) {
    it(`is not read here: ${name}`, () => expect(read(bytes)).to.equal(undefined));
  }

  describe("is understood as Node's server does", () => {
    let server: Server;
    let seen: IncomingMessage | undefined;

    before(async () => {
      server = createServer((request, response) => {
        seen = request;
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    async function byNode(bytes: Buffer): Promise<IncomingMessage | undefined> {
      seen = undefined;
      let answered = false;
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.on("data", () => {
        answered = true;
      });
      socket.write(bytes);
      await until(() => answered, HANG_MS);
      socket.destroy();
      return seen;
    }

    const blank = fc.constantFrom("", " ", "\t", "  ");
    const field = fc.oneof(
      fc.constantFrom(
        ...usual,
        "connection: keep-alive",
        "transfer-encoding: identity",
        "connect-timeout-ms: 9",
      ),
      fc.constantFrom(
        "Content-Length: 3",
        "content-length:\t2",
        "Proxy-Connection: close",
        "content-length:2",
        "HOST: b:80",
        "x-a:",
        ":",
        "",
        " x: y",
        "a\tb: c",
      ),
      fc
        .tuple(
          fc.constantFrom("x-a", "accept", "Te", "content-type", "te st"),
          blank,
          blank,
          fc.string({ maxLength: 8 }),
          blank,
        )
        .map(([name, before, lead, value, trail]) => `${name}${before}:${lead}${value}${trail}`),
    );

    it("whatever is read here is read there, with the same length and type", async () => {
      let plain = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(field, { maxLength: 4 }), fc.nat(3), async (fields, at) => {
          const bytes = head(...usual.slice(0, at), ...fields, ...usual.slice(at));
          const here = read(bytes);
          if (here === undefined || here === "more") return;
          plain++;
          const there = await byNode(Buffer.concat([bytes, Buffer.alloc(here.head.length, "x")]));
          expect(there?.method).to.equal("POST");
          expect(there?.headers["content-length"]).to.equal(String(here.head.length));
          expect(there?.headers["content-type"]).to.match(here.head.codec === "json" ? /json/ : /proto/);
          expect(there?.headers["transfer-encoding"]).to.equal(undefined);
          expect(there?.headers["proxy-connection"]).to.equal(undefined);
        }),
        { numRuns: 400 },
      );
      expect(plain, "heads that were plain").to.be.greaterThan(10);
    });
  });
});
