import { setImmediate as turnOfLoop } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { createHandlerContext } from "@connectrpc/connect";
import { expect } from "chai";
import type { StoreBreakers } from "../../../claims/store-breakers.ts";
import {
  CampaignService,
  WatchCampaignRequestSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CampaignDoc } from "../../../record/documents.ts";
import { createWatchCampaign } from "../../../server/rpc/watch-campaign.ts";
import { createLiveView } from "../../../server/view/live-view.ts";
import { createBeats } from "../../../server/watch/beats.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const campaignId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const STREAMS = 50;

describe("beats of streams", () => {
  it("are the same for all of an interval, and half of it away or more", async () => {
    const clock = fakeClock();
    const beats = createBeats(clock);
    const woken: string[] = [];
    const quiet = new AbortController().signal;
    const wait = (name: string, intervalMs: number) =>
      beats.next(intervalMs, quiet).then(() => woken.push(`${name} ${clock.elapsed()}`));
    void wait("a", 1_000);
    clock.pass(400);
    void wait("b", 1_000);
    void wait("half", 500);
    clock.pass(200);
    void wait("late", 1_000);
    expect(clock.waiting().length, "timers").to.equal(2);
    for (let i = 0; i < 30; i++, await turnOfLoop()) clock.pass(50);
    expect(woken.sort()).to.deep.equal(["a 1000", "b 1000", "half 1000", "late 2000"]);
  });

  it("end with the stream that waits, and keep no timer for none", async () => {
    const clock = fakeClock();
    const beats = createBeats(clock);
    const [one, other] = [new AbortController(), new AbortController()];
    const waits = [one, other].map(({ signal }) => beats.next(1_000, signal));
    one.abort();
    await waits[0];
    expect(clock.waiting()).to.have.length(1);
    other.abort();
    await waits[1];
    expect(clock.waiting()).to.deep.equal([]);
    await beats.next(1_000, AbortSignal.abort());
  });

  it("ask the stores once for all streams, whenever each was opened", async () => {
    const clock = fakeClock();
    let asked = 0;
    const campaign = {
      ...{ _id: campaignId, name: "c", total: 9, generation: 1, generated: 9, codeFormat: "가0" },
      ...{ startsAt: new Date(0), createdAt: new Date(0), onePerUser: true, state: "OPEN", revision: 1 },
    } as CampaignDoc;
    const find = async () => {
      asked += 1;
      return campaign;
    };
    const pass = { ask: (run: () => unknown) => run() };
    const breakers = { reads: pass, pool: () => pass } as unknown as StoreBreakers;
    const inspect = () => Promise.reject(new Error("away"));
    const { watchCampaign } = createWatchCampaign({
      ...{ issuances: { count: async () => 0 }, preflights: { latest: async () => [] } },
      history: { list: async () => [], listAfter: async () => [] },
      processLook: async () => [],
      liveView: createLiveView({ find }, { inspect }, breakers, clock),
      ...{ clock, draining: new AbortController().signal },
    });
    const context = createHandlerContext({
      ...{ service: CampaignService, method: CampaignService.method.watchCampaign },
      ...{ protocolName: "connect", requestMethod: "POST", url: "http://127.0.0.1/" },
    });
    const request = create(WatchCampaignRequestSchema, { campaignId, intervalMs: 1_000 });
    const streams = Array.from({ length: STREAMS }, () =>
      watchCampaign(request, context)[Symbol.asyncIterator](),
    );
    const coming: Promise<unknown>[] = [];
    for (const stream of streams) {
      await stream.next();
      coming.push(stream.next());
      await turnOfLoop();
      clock.pass(8);
    }
    asked = 0;
    let told = 0;
    for (const message of coming) void message.then(() => told++);
    for (let i = 0; i < 200 && told < STREAMS; i++, await turnOfLoop()) clock.pass(10);
    expect([told, asked]).to.deep.equal([STREAMS, 1]);
    await Promise.all(streams.map((stream) => stream.return?.()));
  });
});
