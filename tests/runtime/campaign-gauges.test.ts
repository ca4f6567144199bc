import { expect } from "chai";
import { Registry } from "prom-client";
import {
  CAMPAIGNS_ON_PAGE_MAX,
  type CampaignGauges,
  type CampaignReading,
  createCampaignGauges,
  FORGOTTEN_AFTER_MS,
} from "../../runtime/campaign-gauges.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

describe("gauges of campaigns", () => {
  let clock: FakeClock;
  let registry: Registry;
  let gauges: CampaignGauges;

  beforeEach(() => {
    clock = fakeClock();
    registry = new Registry();
    gauges = createCampaignGauges(registry, clock);
  });

  const reading = (campaignId: string, given: Partial<CampaignReading> = {}): CampaignReading => ({
    ...{ campaignId, state: "scheduled", startsAtMs: clock.now() + 60_000 },
    ...{ total: 10, remaining: 10, isReady: true },
    ...given,
  });
  const series = async (name: string) =>
    new Map(
      [...(await registry.getSingleMetricAsString(name)).matchAll(/\{(.*)\} (\S+)/g)].map(
        ([, labels = "", value]) => [labels, Number(value)],
      ),
    );
  const campaigns = async () =>
    [...(await series("coupon_campaign_coupons")).keys()].map((labels) => labels.split('"')[1]);

  it("have each campaign with its state; the time to the start is that of the scrape", async () => {
    gauges.note(reading("A", { remaining: 7, isReady: false }));
    gauges.note(reading("B", { state: "generating", remaining: undefined }));
    expect(await series("coupon_campaign_pool_remaining")).to.deep.equal(new Map([['campaign="A"', 7]]));
    expect((await series("coupon_campaign_pool_ready")).get('campaign="A"')).to.equal(0);
    expect([...(await series("coupon_campaign_info")).keys()]).to.have.members([
      'campaign="A",state="scheduled"',
      'campaign="B",state="generating"',
    ]);
    clock.pass(FORGOTTEN_AFTER_MS);
    expect((await series("coupon_campaign_time_to_start_seconds")).get('campaign="A"')).to.equal(30);
  });

  it("lose a campaign that no round has found for a while, and its earlier state at once", async () => {
    gauges.note(reading("A"));
    gauges.note(reading("B"));
    clock.pass(FORGOTTEN_AFTER_MS);
    gauges.note(reading("B", { state: "open" }));
    expect(await campaigns()).to.have.members(["A", "B"]);
    clock.pass(1);
    expect(await campaigns()).to.deep.equal(["B"]);
    expect([...(await series("coupon_campaign_info")).keys()]).to.deep.equal(['campaign="B",state="open"']);
  });

  it("are of a bounded number: the open ones, then those nearest to their start, however many there are", async () => {
    const nowMs = clock.now();
    for (let i = 0; i < 3_000; i++)
      gauges.note(reading(`later ${i}`, { startsAtMs: nowMs + 3_600_000 + i * 1_000 }));
    gauges.note(reading("soon", { startsAtMs: nowMs + 1_000 }));
    gauges.note(reading("just started", { startsAtMs: nowMs - 2_000 }));
    for (let i = 0; i < 10; i++)
      gauges.note(reading(`open ${i}`, { state: "open", startsAtMs: nowMs - 86_400_000 - i * 1_000 }));
    for (let i = 3_000; i < 4_500; i++)
      gauges.note(reading(`later ${i}`, { startsAtMs: nowMs + 3_600_000 + i * 1_000 }));
    const told = await campaigns();
    expect(told).to.have.length(CAMPAIGNS_ON_PAGE_MAX);
    expect(told.slice(0, 10)).to.deep.equal(Array.from({ length: 10 }, (_, i) => `open ${i}`));
    expect(told.slice(10, 13)).to.deep.equal(["soon", "just started", "later 0"]);
  });
});
