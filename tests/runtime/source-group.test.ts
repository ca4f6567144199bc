import { expect } from "chai";
import { sourceGroupOf } from "../../runtime/source-group.ts";

describe("the group of a source address", () => {
  for (const [address, group] of [
    ["192.0.2.7", "192.0.2.7"],
    ["192.0.2.7%eth0", "192.0.2.7%eth0"],
    ["no address", "no address"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:192.0.2.7", "192.0.2.7"],
    ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
    ["2001:0db8::1:ffff:0:0:9", "2001:db8:0:1::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["", ""],
  ] as const) {
    it(`${address || "(none)"} is of ${group || "(none)"}`, () => {
      expect(sourceGroupOf(address)).to.equal(group);
    });
  }
});
