import { expect } from "chai";
import { connectionsPerPort, descriptorLimit } from "../../../server/http/descriptors.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             30000                30000                processes
Max open files            20000                40000                files
`;

describe("descriptors", () => {
  it("the limit is the soft one that the kernel tells; none where it tells none", () => {
    expect(descriptorLimit(() => LIMITS)).to.equal(20_000);
    expect(descriptorLimit(() => LIMITS.replace("20000  ", "unlimited"))).to.equal(undefined);
    expect(
      descriptorLimit(() => {
        throw new Error("ENOENT");
      }),
    ).to.equal(undefined);
  });

  it("callers on all ports together leave 256 to the stores", () => {
    expect(connectionsPerPort(10_000, 2, undefined)).to.equal(10_000);
    expect(connectionsPerPort(10_000, 2, 1_000_000)).to.equal(10_000);
    expect(connectionsPerPort(10_000, 2, 1_024)).to.equal(384);
    expect(connectionsPerPort(10_000, 3, 1_024)).to.equal(256);
    expect(connectionsPerPort(10_000, 2, 256)).to.equal(64);
    expect(connectionsPerPort(10_000, 2, 4)).to.equal(10);
  });
});
