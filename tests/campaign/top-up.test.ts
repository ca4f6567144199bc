import { expect } from "chai";
import { QUIET_BEFORE_TOP_UP_MS } from "../../campaign/sold-out-memory.ts";
import { topUpPool } from "../../campaign/top-up.ts";
import type { Inspection } from "../../pool/answers.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { claimAll, loadedPool } from "../support/loaded-pool.ts";
import { madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { withStores } from "../support/with-stores.ts";

describe("bringing added codes into a pool", () => {
  const stores = withStores();
  let records: Records;

  before(async () => {
    records = recordsOf(stores.db);
  });

  /** A campaign of six coupons whose pool was loaded with three, of which `taken` are claimed. */
  async function grown(taken: number) {
    const { campaign, codes } = await madeCampaign(records, { total: 6, state: "OPEN" });
    const { pool } = stores;
    await loadedPool(pool, { campaignId: campaign._id, codes: codes.slice(0, 3) });
    const keys = Array.from({ length: taken }, (_, i) => `taker-${i}`);
    if (keys.length > 0) await claimAll(pool, campaign._id, Date.now(), ...keys);
    const clock = fakeClock();
    const topUp = () => topUpPool({ ...records, pool, clock }, campaign._id);
    return { campaign, codes, pool, clock, topUp };
  }
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  /** An operator's change begins and ends; the pool then has the next generation. */
  async function change({ _id: campaignId, startsAt }: CampaignDoc, { generation, state }: Inspection) {
    await stores.pool.freeze(campaignId, Date.now(), generation + 1);
    const target = { campaignId, generation: generation + 1, startsAtMs: startsAt.getTime(), endsAtMs: 0 };
    if (state === "") throw new Error("there is no pool");
    expect(await stores.pool.turn({ ...target, state })).to.equal("turned");
  }

  it("where codes are left nobody has to wait; in the order of the ordinals, each once", async () => {
    const { campaign, pool, topUp } = await grown(1);
    expect(await Promise.all([topUp(), topUp(), topUp()])).to.deep.equal(["topped", "topped", "topped"]);
    expect(await pool.inspect(campaign._id)).to.include({ openCodes: 5, total: 6, claims: 1 });
    expect(await topUp()).to.equal("topped");
  });

  it("one that has run dry is quiet first, and no change of its life begins that wait anew", async () => {
    const { campaign, pool, clock, topUp } = await grown(3);
    const topped = topUp();
    await until(() => clock.waiting().length > 0);
    expect(clock.waiting()).to.deep.equal([QUIET_BEFORE_TOP_UP_MS]);
    for (let changes = 0; changes < 3; changes++) await change(campaign, await pool.inspect(campaign._id));
    const [sold] = await claimAll(pool, campaign._id, Date.now(), "late");
    expect(sold).to.deep.equal({ kind: "sold", total: 0 });
    clock.pass(QUIET_BEFORE_TOP_UP_MS);
    expect(await topped).to.equal("topped");
    expect(await pool.inspect(campaign._id)).to.include({ openCodes: 3, total: 6, generation: 4 });
  });

  it("the wait for one addition is not the wait for the next", async () => {
    const { campaign, pool, codes, clock, topUp } = await grown(3);
    const { _id: id } = campaign;
    const first = await pool.topUp(id, 1, 3, codes.slice(3, 4), "");
    expect(first).to.deep.equal({ kind: "quiet", total: 3, quiet: "1-3" });
    expect((await pool.topUp(id, 1, 3, codes.slice(3, 4), first.quiet)).kind).to.equal("topped");
    await claimAll(pool, id, Date.now(), "taker-3");
    expect((await pool.topUp(id, 1, 4, codes.slice(4, 5), first.quiet)).kind).to.equal("quiet");
    const topped = topUp();
    await until(() => clock.waiting().length > 0);
    expect((await pool.inspect(id)).total).to.equal(4);
    clock.pass(QUIET_BEFORE_TOP_UP_MS);
    expect(await topped).to.equal("topped");
  });

  it("while a change holds the pool it looks again and again, and leaves it to others when that does not end", async () => {
    const { campaign, pool, clock, topUp } = await grown(1);
    await pool.freeze(campaign._id, Date.now(), 2);
    const left = topUp();
    let over = false;
    void left.then(() => {
      over = true;
    });
    await until(() => {
      clock.pass(25);
      return over;
    });
    expect(await left).to.equal("later");
    expect((await pool.inspect(campaign._id)).total).to.equal(3);
  });
});
