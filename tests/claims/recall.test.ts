import { expect } from "chai";
import { createRecall, RECALLS_MAX } from "../../claims/recall.ts";
import { createIssuances, type Issuances } from "../../record/issuances.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { NO_ERASURES } from "../support/no-erasures.ts";
import { gate, issuedBy, openSale } from "../support/open-sale.ts";
import { testBreakers } from "../support/test-breakers.ts";
import { withStores } from "../support/with-stores.ts";

describe("recall", () => {
  const stores = withStores();

  async function open(around: (real: Issuances) => Pick<Issuances, "findByClaimKey"> = (real) => real) {
    const sale = await openSale(stores, { total: 5 });
    const clock = fakeClock();
    const issuances = around(createIssuances(stores.db));
    const { reads } = testBreakers(clock);
    const recall = createRecall({ claimer: sale.claimer, issuances, marks: NO_ERASURES, reads, clock });
    const find = async (key: string, subject = key) => recall.find(sale.campaign._id, key, subject);
    return { sale, clock, recall, find };
  }

  it("finds the coupon of a key, and what another server issued half a second later", async () => {
    const { sale, clock, recall, find } = await open();
    expect(await find("alice")).to.equal(undefined);
    const { coupon } = issuedBy(await sale.issue("alice"));
    expect(await find("alice"), "not asked again so soon").to.equal(undefined);
    clock.pass(500);
    expect(await find("alice")).to.deep.equal(coupon);
    expect(await find("bob")).to.equal(undefined);
    const bobs = issuedBy(await sale.issue("bob")).coupon;
    recall.note(bobs, false);
    expect(await find("bob"), "this server issued it").to.deep.equal(bobs);
  });

  it("forgets that a look-up found none where the coupon is issued before that answer is here", async () => {
    const [read, answered] = [gate(), gate()];
    const { sale, recall, find } = await open((real) => ({
      async findByClaimKey(campaignId, claimKey) {
        const found = await real.findByClaimKey(campaignId, claimKey);
        read.open();
        await answered.passed;
        return found;
      },
    }));
    const tooEarly = find("alice");
    await read.passed;
    const { coupon } = issuedBy(await sale.issue("alice"));
    recall.note(coupon, false);
    answered.open();
    await tooEarly;
    expect(await find("alice")).to.deep.equal(coupon);
  });

  it("looks few keys up at once, and few for one subject", async () => {
    const opened = gate();
    let asked = 0;
    const { find } = await open((real) => ({
      async findByClaimKey(campaignId, claimKey) {
        asked += 1;
        await opened.passed;
        return real.findByClaimKey(campaignId, claimKey);
      },
    }));
    const waiting = Array.from({ length: 40 }, (_, i) => find(`key ${i}`));
    expect(asked).to.equal(RECALLS_MAX);
    opened.open();
    await Promise.all(waiting);
    asked = 0;
    for (let i = 0; i < 100; i++) await find(`other ${i}`, "one address");
    expect(asked).to.equal(20);
  });

  it("what is asked again is known for ten seconds, without a question, and by its own key alone", async () => {
    const { sale, clock, recall } = await open(() => ({ findByClaimKey: () => expect.fail("was asked") }));
    const { coupon } = issuedBy(await sale.issue("alice"));
    expect(recall.repeated(sale.campaign._id, "alice"), "before").to.equal(undefined);
    recall.note(coupon, false);
    expect(recall.repeated(sale.campaign._id, "alice"), "asked once").to.equal(undefined);
    recall.note(coupon, true);
    expect(recall.repeated(sale.campaign._id, "alice")).to.deep.equal(coupon);
    expect(recall.repeated(sale.campaign._id, "bob")).to.equal(undefined);
    expect(recall.repeated("01M7YQZAAWCPD2T0Z7YQGQM1FV", "alice")).to.equal(undefined);
    clock.pass(9_999);
    expect(recall.repeated(sale.campaign._id, "alice")).to.deep.equal(coupon);
    clock.pass(1);
    expect(recall.repeated(sale.campaign._id, "alice")).to.equal(undefined);
  });

  it("trouble of MongoDB is no answer and no error, and is not kept", async () => {
    let failing = true;
    const { sale, find } = await open((real) => ({
      findByClaimKey: (campaignId, claimKey) =>
        failing ? Promise.reject(new Error("not now")) : real.findByClaimKey(campaignId, claimKey),
    }));
    const { coupon } = issuedBy(await sale.issue("alice"));
    expect(await find("alice")).to.equal(undefined);
    failing = false;
    expect(await find("alice")).to.deep.equal(coupon);
  });
});
