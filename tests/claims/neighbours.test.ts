import { expect } from "chai";
import type { LoadOutcome } from "../../campaign/load.ts";
import { until } from "../../local/poll.ts";
import { gate, openSale, reasonOf } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { withStores } from "../support/with-stores.ts";

describe("campaigns of one process beside each other", () => {
  const stores = withStores();

  it("claims that wait for a rebuild count for their campaign, however many other campaigns come by", async () => {
    const rebuild = gate();
    let waitingId = "";
    const restore = async (id: string): Promise<LoadOutcome> => {
      if (id === waitingId) await rebuild.passed;
      return "gone";
    };
    const sale = await openSale(stores, { load: false, deps: { heldMax: 4, restore } });
    waitingId = sale.campaign._id;
    const waiting = ["a", "b", "c"].map((key) => sale.issue(key));
    await until(() => sale.claimer.sizes().claims === 0, HANG_MS, 5);
    const facts = { onePerUser: true, leastGeneration: 0, maxPerUser: 1 };
    const other = { facts, claimKey: "k", userId: "", caller: new AbortController().signal };
    for (let i = 0; i <= 1_000; i++) await sale.claimer.issue({ ...other, campaignId: `x${i}` });
    expect(reasonOf(await sale.issue("d"))).to.equal("OVERLOADED");
    rebuild.open();
    await Promise.all(waiting);
  });
});
