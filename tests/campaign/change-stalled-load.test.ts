import { expect } from "chai";
import { type ChangeAnswer, createChangeCampaign } from "../../campaign/change-campaign.ts";
import type { Change } from "../../campaign/judge-change.ts";
import { loadPool } from "../../campaign/load.ts";
import { createRestore } from "../../campaign/restore.ts";
import type { Pool } from "../../pool/pool.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { gate } from "../support/open-sale.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

describe("a change of a campaign whose first load has stalled", () => {
  const stores = withStores();
  let records: Records;

  before(async () => {
    records = recordsOf(stores.db);
  });

  /**
   * A generator that is stopped just before its commit, for longer than its lease. `goOn` lets the commit
   * continue.
   */
  async function stalledLoad(campaign: CampaignDoc) {
    const [reached, release] = [gate(), gate()];
    const pool: Pool = {
      ...stores.pool,
      async loadCommit(target) {
        reached.open();
        await release.passed;
        return stores.pool.loadCommit(target);
      },
    };
    const loading = loadPool(
      { ...records, pool, clock: systemClock, owner: "the stalled generator", leaseMs: 1 },
      campaign._id,
    );
    await reached.passed;
    return {
      goOn() {
        release.open();
        return loading;
      },
    };
  }

  function changed(campaign: CampaignDoc, change: Change): Promise<ChangeAnswer> {
    const common = {
      ...records,
      pool: stores.pool,
      clock: systemClock,
      logger: silentLogger,
      leaseMs: 2_000,
    };
    const restore = createRestore({ ...common, owner: "a server", metrics: createMetrics() });
    const changeCampaign = createChangeCampaign({ ...common, restore });
    return changeCampaign({
      campaignId: campaign._id,
      change,
      actor: "op",
      requestId: undefined,
      dryRun: false,
      signal,
    });
  }

  it("cancelled: the load brings no pool any more, nothing can be issued", async () => {
    const { campaign } = await madeCampaign(records, {
      state: "GENERATING",
      startsAt: new Date(Date.now() + HOUR_MS),
    });
    const load = await stalledLoad(campaign);
    expect((await changed(campaign, { verb: "cancel" })).kind).to.equal("changed");
    expect(await load.goOn()).to.equal("again");
    expect((await stores.pool.inspect(campaign._id)).status).to.equal("none");
    expect((await records.campaigns.find(campaign._id))?.state).to.equal("CANCELLED");
  });

  it("rescheduled: the pool that comes in the end opens at the new start", async () => {
    const startsAtMs = Date.now() + HOUR_MS;
    const { campaign } = await madeCampaign(records, {
      state: "GENERATING",
      startsAt: new Date(startsAtMs - HOUR_MS / 2),
    });
    const load = await stalledLoad(campaign);
    const change = { verb: "reschedule", startsAtMs, endsAtMs: undefined } as const;
    expect((await changed(campaign, change as Change)).kind).to.equal("changed");
    expect(await load.goOn()).to.equal("again");
    const deps = { ...records, pool: stores.pool, clock: systemClock, owner: "another", leaseMs: 2_000 };
    expect(await loadPool(deps, campaign._id)).to.equal("loaded");
    expect(await stores.pool.inspect(campaign._id)).to.include({ status: "ok", state: "staged", startsAtMs });
  });
});
