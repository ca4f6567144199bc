import { setImmediate as turnOfLoop } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createHandlerContext } from "@connectrpc/connect";
import { expect } from "chai";
import {
  CampaignService,
  WatchCampaignRequestSchema,
  type WatchCampaignResponseSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CampaignDoc, HistoryDoc } from "../../../record/documents.ts";
import { createWatchCampaign } from "../../../server/rpc/watch-campaign.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const campaignId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const INTERVAL_MS = 60_000;
type Message = MessageInitShape<typeof WatchCampaignResponseSchema>;

const change = (revision: number, to: "OPEN" | "PAUSED" | "ENDED"): HistoryDoc =>
  ({
    ...{ campaignId, revision, verb: "edit", actor: "mina", at: new Date(revision) },
    ...{ before: { state: revision % 2 === 1 ? "OPEN" : "PAUSED" }, after: { state: to } },
  }) as HistoryDoc;

describe("a stream of WatchCampaign", () => {
  /** One stream on a clock that stands still, of a campaign that is paused and resumed in turn. */
  function opened(afterRevision: number) {
    const clock = fakeClock();
    const entries: HistoryDoc[] = [];
    const latest = () => entries.at(-1) as HistoryDoc;
    const campaignNow = () =>
      ({
        ...{ _id: campaignId, name: "c", total: 9, generation: 1, generated: 9, codeFormat: "가0" },
        ...{ startsAt: new Date(0), createdAt: new Date(0), onePerUser: true },
        ...{ state: latest().after.state, revision: latest().revision },
      }) as CampaignDoc;
    const { watchCampaign } = createWatchCampaign({
      issuances: { count: async () => 0 },
      preflights: { latest: async () => [] },
      history: {
        list: async () => entries.toReversed(),
        listAfter: async (_, after, limit) =>
          entries.filter(({ revision }) => revision > after).slice(0, limit),
      },
      processLook: async () => [],
      liveView: { look: async () => ({ campaign: campaignNow(), pool: undefined }), peek: () => undefined },
      clock,
      draining: new AbortController().signal,
    });
    const context = createHandlerContext({
      ...{ service: CampaignService, method: CampaignService.method.watchCampaign },
      ...{ protocolName: "connect", requestMethod: "POST", url: "http://127.0.0.1/" },
    });
    const request = create(WatchCampaignRequestSchema, {
      campaignId,
      intervalMs: INTERVAL_MS,
      afterRevision,
    });
    const stream = watchCampaign(request, context)[Symbol.asyncIterator]();
    return {
      clock,
      /** Resolves to the next message; passes as much time as it needs. */
      async next(): Promise<Message | undefined> {
        let isHere = false;
        const coming = stream.next().finally(() => {
          isHere = true;
        });
        coming.catch(() => undefined);
        for (; !isHere; await turnOfLoop()) {
          // One timer after the other: the message may come between them.
          if (clock.waiting().length > 0) clock.pass(Math.min(...clock.waiting()));
        }
        return (await coming).value;
      },
      /** Changes the campaign up to this revision. */
      turns(last: number): void {
        for (let revision = entries.length + 1; revision <= last; revision++)
          entries.push(change(revision, revision % 2 === 1 ? "PAUSED" : "OPEN"));
      },
      end: () => void entries.push(change(entries.length + 1, "ENDED")),
    };
  }
  const revisions = (message: Message | undefined) =>
    message?.events?.filter(({ kind }) => kind === "state").map(({ revision }) => revision) ?? [];
  const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

  it("tells more changes than one message holds without waiting between them, and ends when all are told", async () => {
    const { clock, next, turns, end } = opened(0);
    turns(120);
    end();
    const messages = [await next(), await next(), await next()];
    expect(messages.map(revisions)).to.deep.equal([from(1, 50), from(51, 100), from(101, 121)]);
    expect(messages.map((message) => message?.isOver)).to.deep.equal([false, false, true]);
    expect(await next()).to.equal(undefined);
    expect(clock.elapsed()).to.equal(0);
  });

  it("a revision that MongoDB shows late is waited for: nothing older is sent, and it ends as it should", async () => {
    const { clock, next, turns, end } = opened(4);
    turns(2);
    clock.after(11_000, () => {
      turns(4);
      end();
    });
    const message = await next();
    expect(clock.elapsed()).to.be.within(11_000, 11_250);
    expect(message).to.include({ revision: 5, isOver: true });
    expect(message?.campaign?.revision).to.equal(5);
    expect(await next()).to.equal(undefined);
  });

  it("a revision that the campaign does not have is refused by its field's name, also of an ended campaign", async () => {
    const { clock, next, turns, end } = opened(7);
    turns(2);
    end();
    const error = await next().then(
      () => undefined,
      (thrown: unknown) => ConnectError.from(thrown),
    );
    expect(error?.code).to.equal(Code.InvalidArgument);
    expect(error?.rawMessage).to.match(/^after_revision: .* 3 at most, not 7/);
    expect(clock.elapsed()).to.be.within(10_000, 15_000);
  });

  it("a reader that takes one message in a long while is told every change that came meanwhile", async () => {
    const { clock, next, turns, end } = opened(1);
    turns(2);
    expect(revisions(await next())).to.deep.equal([2]);
    // The reader takes no message meanwhile, although the interval passes many times.
    for (let last = 3; last <= 9; last++) {
      turns(last);
      clock.pass(10 * INTERVAL_MS);
    }
    expect(revisions(await next())).to.deep.equal(from(3, 9));
    const before = clock.elapsed();
    expect(revisions(await next())).to.deep.equal([]);
    expect(clock.elapsed() - before).to.equal(INTERVAL_MS);
    turns(60);
    end();
    expect(revisions(await next())).to.deep.equal(from(10, 59));
    expect(revisions(await next())).to.deep.equal([60, 61]);
    expect(await next()).to.equal(undefined);
  });
});
