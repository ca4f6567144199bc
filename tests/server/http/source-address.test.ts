import { expect } from "chai";
import fc from "fast-check";
import { createIsProxy } from "../../../runtime/proxy-settings.ts";
import { createSourceAddress } from "../../../server/http/source-address.ts";
import { addressNoting } from "../../support/address-noting.ts";
import { CLAIM_TRANSPORTS } from "../../support/claim-transports.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const LOOPBACK = ["127.0.0.0/8", "::1"];
const CALLER = "203.0.113.7";

type Row = readonly [
  what: string,
  trusted: readonly string[],
  peer: string,
  forwarded: string | undefined,
  address: string,
];

const ROWS: readonly Row[] = [
  ["nobody is trusted: a caller chooses no address", [], "10.0.0.1", CALLER, "10.0.0.1"],
  ["a peer that is not trusted chooses none", ["10.0.0.2"], "10.0.0.1", CALLER, "10.0.0.1"],
  ["no field: the proxy's own", ["10.0.0.1"], "10.0.0.1", undefined, "10.0.0.1"],
  ["an empty field: the proxy's own", ["10.0.0.1"], "10.0.0.1", "", "10.0.0.1"],
  ["one proxy", ["10.0.0.1"], "10.0.0.1", CALLER, CALLER],
  [
    "what the caller wrote is before what the proxy adds",
    ["10.0.0.1"],
    "10.0.0.1",
    `9.9.9.9, ${CALLER}`,
    CALLER,
  ],
  ["a caller that writes a trusted address", ["10.0.0.0/8"], "10.0.0.1", `10.0.0.9,${CALLER}`, CALLER],
  ["two proxies, one after the other", ["10.0.0.0/8"], "10.0.0.1", `${CALLER}, 10.0.0.2`, CALLER],
  ["two, the farther one not trusted", ["10.0.0.1"], "10.0.0.1", `${CALLER}, 10.0.0.2`, "10.0.0.2"],
  ["all of them trusted: the farthest", ["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
  ["no address: the proxy that wrote it", ["10.0.0.0/8"], "10.0.0.1", "unknown", "10.0.0.1"],
  [
    "no address behind two: the farther one",
    ["10.0.0.0/8"],
    "10.0.0.1",
    `${CALLER}, x, 10.0.0.2`,
    "10.0.0.2",
  ],
  ["an empty entry", ["10.0.0.1"], "10.0.0.1", `${CALLER},`, "10.0.0.1"],
  ["octal digits are no address", ["10.0.0.1"], "10.0.0.1", "010.0.0.1", "10.0.0.1"],
  ["an address with a port", ["10.0.0.1"], "10.0.0.1", `${CALLER}:4711`, CALLER],
  ["IPv6", ["2001:db8::/48"], "2001:db8::1", "2001:db8:1::7", "2001:db8:1::7"],
  ["IPv6 in its one spelling", ["2001:db8::1"], "2001:db8:0:0::1", "2001:DB8:1:0:0::7", "2001:db8:1::7"],
  ["IPv6 in brackets, with a port", ["::1"], "::1", "[2001:db8:1::7]:4711", "2001:db8:1::7"],
  ["IPv6 with a zone", ["::1"], "::1", "fe80::1%eth0", "fe80::1"],
  ["a proxy that is mapped into IPv6", ["10.0.0.0/8"], "::ffff:10.0.0.1", CALLER, CALLER],
  ["a caller that is mapped into IPv6", ["10.0.0.1"], "10.0.0.1", `::ffff:${CALLER}`, CALLER],
  ["the same in hex", ["10.0.0.1"], "10.0.0.1", "::ffff:cb00:7107", CALLER],
  ["mapped, and not trusted", [], "::ffff:203.0.113.7", "9.9.9.9", CALLER],
  ["a connection that has closed", LOOPBACK, "", CALLER, ""],
];

describe("the source address of a request", () => {
  for (const [what, trusted, peer, forwarded, address] of ROWS) {
    it(what, () => {
      const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
      const of = createSourceAddress(createIsProxy(trusted));
      expect(of({ socket: { remoteAddress: peer }, headers })).to.equal(address);
    });
  }

  it("the field Forwarded is never read: proxies pass on what a caller wrote there", () => {
    const of = createSourceAddress(createIsProxy(LOOPBACK));
    expect(of({ socket: { remoteAddress: "127.0.0.1" }, headers: { forwarded: "for=9.9.9.9" } })).to.equal(
      "127.0.0.1",
    );
  });

  it("whatever a caller writes, the address is the one that the trusted proxy adds (property)", () => {
    const of = createSourceAddress(createIsProxy(["10.0.0.0/8", "::1"]));
    const word = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom("10.0.0.9", "::1", "", "unknown"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word), (written) => {
        const headers = { "x-forwarded-for": [...written, CALLER, "10.0.0.2"].join(", ") };
        expect(of({ socket: { remoteAddress: "10.0.0.1" }, headers })).to.equal(CALLER);
      }),
    );
  });

  it("a field of nothing but trusted addresses costs no more than a few looks", () => {
    const of = createSourceAddress(createIsProxy(["10.0.0.0/8"]));
    const headers = {
      "x-forwarded-for": [CALLER, ...Array.from({ length: 1_000 }, () => "10.0.0.2")].join(),
    };
    expect(of({ socket: { remoteAddress: "10.0.0.1" }, headers })).to.equal("10.0.0.2");
  });
});

describe("the source address over each transport", () => {
  let app: StubApp;
  let seen: string[];

  const open = async (trusted: readonly string[]) => {
    seen = [];
    app = await openStubApp({
      connections: { most: 100, perSourceMax: 100, isProxy: createIsProxy(trusted) },
      ...addressNoting((address) => void seen.push(address)),
    });
  };
  afterEach(() => app.close());

  for (const { name, claim } of CLAIM_TRANSPORTS) {
    it(`${name}: believed from a trusted proxy only, and the last entry counts`, async () => {
      const ask = () =>
        claim(app, { campaignId: "c", userId: "u" }, [], ["x-forwarded-for", `9.9.9.9, ${CALLER}`]);
      await open([]);
      await ask();
      expect(seen).to.deep.equal(["127.0.0.1"]);
      await app.close();
      await open(LOOPBACK);
      await ask();
      expect(seen).to.deep.equal([CALLER]);
    });

    it(`${name}: several fields are one list, in their order`, async () => {
      await open(LOOPBACK);
      const fields = [
        "x-forwarded-for",
        "9.9.9.9",
        "x-forwarded-for",
        CALLER,
        "x-forwarded-for",
        "127.0.0.2",
      ];
      await claim(app, { campaignId: "c", userId: "u" }, [], fields);
      expect(seen).to.deep.equal([CALLER]);
    });
  }
});
