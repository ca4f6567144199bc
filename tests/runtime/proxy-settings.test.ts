import { BlockList } from "node:net";
import { expect } from "chai";
import fc from "fast-check";
import { createIsProxy } from "../../runtime/proxy-settings.ts";

describe("trusted proxies", () => {
  it("are those of Node's list, for any IPv4 network and address (property)", () => {
    const near = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(near, fc.integer({ min: 1, max: 32 }), fc.ipV4(), ([base, last], bits, other) => {
        const list = new BlockList();
        list.addSubnet(base, bits, "ipv4");
        const isProxy = createIsProxy([`${base}/${bits}`]);
        for (const address of [base, base.replace(/\d+$/, String(last)), other, `::ffff:${other}`])
          expect(isProxy(address), `${address} in ${base}/${bits}`).to.equal(
            list.check(address.replace("::ffff:", ""), "ipv4"),
          );
      }),
    );
  });

  const rows: readonly [network: string, inside: readonly string[], outside: readonly string[]][] = [
    ["255.255.255.255", ["255.255.255.255"], ["255.255.255.254", "0.0.0.0"]],
    ["128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255"]],
    ["10.1.2.3/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]],
    ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "127.0.0.1"]],
    ["2001:db8::/48", ["2001:db8:0:ffff::1"], ["2001:db8:1::1", "32.1.13.184"]],
  ];
  for (const [network, inside, outside] of rows) {
    it(network, () => {
      const isProxy = createIsProxy([network]);
      expect([inside.map(isProxy), outside.map(isProxy)]).to.deep.equal([
        inside.map(() => true),
        outside.map(() => false),
      ]);
      // Again, from memory.
      expect(inside.every(isProxy) && !outside.some(isProxy)).to.equal(true);
    });
  }

  it("what is no address is none", () => {
    const isProxy = createIsProxy(["0.0.0.0/1", "::/1"]);
    expect(["", "x", "1.2.3", "1.2.3.4.5", "1.2.3.4x"].map(isProxy)).to.deep.equal(Array(5).fill(false));
  });
});
