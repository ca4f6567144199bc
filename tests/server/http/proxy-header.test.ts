import { expect } from "chai";
import fc from "fast-check";
import { readProxyHeader } from "../../../server/http/proxy-header.ts";
import { version2 } from "../../support/proxy-header.ts";

const text = (line: string) => Buffer.from(line, "latin1");
const V1 = "PROXY TCP4 203.0.113.7 10.0.0.1 4711 8080\r\n";

type Row = readonly [what: string, bytes: Buffer, read: ReturnType<typeof readProxyHeader>];
const header = (bytes: Buffer | string, address?: string) =>
  ({ kind: "header", length: bytes.length, address }) as const;
const WRONG = { kind: "wrong" } as const;
const INCOMPLETE = { kind: "incomplete" } as const;

const v4 = version2({ family: 0x11, addresses: [203, 0, 113, 7, 10, 0, 0, 1, 0, 1, 0, 2] });
const v6source = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const v6 = version2({ family: 0x21, addresses: [...v6source, ...v6source, 0, 1, 0, 2] });

const ROWS: readonly Row[] = [
  ["version 1, IPv4", text(V1), header(V1, "203.0.113.7")],
  ["and what follows is not of it", text(`${V1}GET / HTTP/1.1\r\n`), header(V1, "203.0.113.7")],
  [
    "version 1, IPv6",
    text("PROXY TCP6 2001:DB8::7 ::1 4711 8080\r\n"),
    header("PROXY TCP6 2001:DB8::7 ::1 4711 8080\r\n", "2001:db8::7"),
  ],
  ["version 1, unknown", text("PROXY UNKNOWN\r\n"), header("PROXY UNKNOWN\r\n")],
  ["version 1, unknown with more", text("PROXY UNKNOWN x y\r\n"), header("PROXY UNKNOWN x y\r\n")],
  ["version 1, an address of the other family", text("PROXY TCP4 ::1 ::1 1 2\r\n"), WRONG],
  ["version 1, no address", text("PROXY TCP4 example.com 10.0.0.1 1 2\r\n"), WRONG],
  ["version 1, another protocol", text("PROXY UDP4 10.0.0.2 10.0.0.1 1 2\r\n"), WRONG],
  ["version 1, too long", text(`PROXY TCP4 ${"1".repeat(120)}`), WRONG],
  ["version 1, without an end", text("PROXY TCP4 203.0.113.7"), INCOMPLETE],
  ["nothing yet", Buffer.alloc(0), INCOMPLETE],
  ["HTTP", text("GET / HTTP/1.1\r\n\r\n"), WRONG],
  ["HTTP/2", text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), WRONG],
  ["a handshake of TLS", Buffer.from([0x16, 3, 1, 2, 0]), WRONG],
  ["version 2, IPv4", v4, header(v4, "203.0.113.7")],
  ["version 2, IPv6", v6, header(v6, "2001:db8:1::7")],
  ["version 2, without its end", v4.subarray(0, v4.length - 1), INCOMPLETE],
  ["version 2, its own connection", version2({ command: 0x20 }), header(version2({ command: 0x20 }))],
  ["version 2, no IP", version2({ family: 0x31, addresses: [1, 2] }), header(Buffer.alloc(18))],
  ["version 2, too few addresses", version2({ family: 0x11, addresses: [1, 2, 3, 4] }), WRONG],
  ["version 2, another command", version2({ command: 0x22 }), WRONG],
  ["version 3", version2({ command: 0x31 }), WRONG],
  [
    "version 2, with facts behind the addresses",
    version2({ family: 0x11, addresses: [203, 0, 113, 7, 10, 0, 0, 1, 0, 1, 0, 2, 4, 0, 1, 0] }),
    header(Buffer.alloc(32), "203.0.113.7"),
  ],
  [
    "version 2, far too long",
    version2({ family: 0x11, addresses: Array.from({ length: 4_097 }, () => 0) }),
    WRONG,
  ],
  [
    "version 2, IPv4 that is mapped into IPv6",
    version2({
      family: 0x21,
      addresses: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 7, ...v6source, 0, 1, 0, 2],
    }),
    header(v6, "203.0.113.7"),
  ],
];

describe("the header of the PROXY protocol", () => {
  for (const [what, bytes, read] of ROWS) {
    it(what, () => {
      expect(readProxyHeader(bytes)).to.deep.equal(read);
    });
  }

  it("each beginning of a header is incomplete, and nothing else", () => {
    for (const whole of [text(V1), v4, v6])
      for (let length = 0; length < whole.length; length++)
        expect(readProxyHeader(whole.subarray(0, length)).kind).to.equal("incomplete");
  });

  it("any bytes are read without trouble, and none of them for ever (property)", () => {
    const start = fc.constantFrom(
      "",
      "PROXY ",
      "PROXY TCP4 ",
      "\r\n\r\n\0\r\nQUIT\n",
      "\r\n\r\n\0\r\nQUIT\n!\x11",
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ minLength: 5_000, maxLength: 5_000 }), (first, rest) => {
        expect(readProxyHeader(Buffer.concat([text(first), rest])).kind).to.not.equal("incomplete");
      }),
    );
  });
});
