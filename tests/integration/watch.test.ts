import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { enumName } from "../../proto/enum-name.ts";
import { CampaignState, CampaignStateSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { WatchCampaignResponse } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { WATCHERS_MAX } from "../../server/rpc/watch-campaign.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;

const onlookers = new Set<AbortController>();

/** One onlooker: collects its messages until it is stopped. */
function watching(
  { campaigns }: Clients,
  campaignId: string,
  keepOn: boolean,
  more: { afterRevision?: number; intervalMs?: number } = {},
) {
  const leaving = new AbortController();
  onlookers.add(leaving);
  const messages: WatchCampaignResponse[] = [];
  let isOver = false;
  const ended = (async () => {
    const options = { signal: leaving.signal };
    const request = { campaignId, intervalMs: 100, keepOn, ...more };
    for await (const one of campaigns.watchCampaign(request, options)) messages.push(one);
  })()
    .then(
      () => "ended" as const,
      (error: unknown) => ConnectError.from(error),
    )
    .finally(() => {
      isOver = true;
    });
  return {
    messages,
    ended,
    texts: () => messages.flatMap(({ events }) => events.map(({ text }) => text)),
    states: () => messages.flatMap(statesIn),
    /** Fails as soon as the stream is over without such a message: a poll that goes on is a leak. */
    async becomes(is: (last: WatchCampaignResponse) => boolean): Promise<WatchCampaignResponse> {
      const found = () => messages.at(-1) !== undefined && is(messages.at(-1) as WatchCampaignResponse);
      await until(() => found() || isOver, HANG_MS, 20);
      if (!found())
        throw new Error(
          `not so: ${JSON.stringify(messages.at(-1)?.campaign, (_, v) => (typeof v === "bigint" ? Number(v) : v))}`,
        );
      return messages.at(-1) as WatchCampaignResponse;
    },
    async stop() {
      leaving.abort();
      return ended;
    },
  };
}

const stateName = (state: CampaignState | undefined) =>
  state === undefined ? undefined : enumName(CampaignStateSchema, state);

/** The changes of state in a message: "3 SCHEDULED → OPEN". */
function statesIn({ events }: WatchCampaignResponse): string[] {
  return events
    .filter(({ toState }) => toState !== undefined)
    .map(({ revision, fromState, toState }) => {
      return `${revision} ${stateName(fromState)} → ${stateName(toState)}`;
    });
}

const isIn =
  (state: keyof typeof CampaignState) =>
  ({ campaign }: WatchCampaignResponse) =>
    campaign?.state === CampaignState[state];

describe("WatchCampaign of running services", () => {
  const stores = withStores();
  let services: Services;
  let server: Service;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    server = await services.start();
    clients = connectClients(server.url);
  });
  afterEach(() => {
    for (const leaving of onlookers) leaving.abort();
    onlookers.clear();
  });
  after(async () => {
    await services.end();
  });

  it("follows a campaign through its life, counts what callers hear, and says who did what", async () => {
    const actor = "mina@ops";
    const { id: campaignId } = await createCampaign(clients, {
      total: 30,
      startsAtMs: Date.now() + HOUR_MS,
    });
    await untilState(clients, campaignId, "SCHEDULED");
    const watch = watching(clients, campaignId, true);
    const first = await watch.becomes(isIn("SCHEDULED"));
    expect(first).to.include({ remaining: 30, issuedPerSecond: 0, ledgerDepth: 0 });
    expect(Math.abs(timestampDate(first.serverTime as never).getTime() - Date.now())).to.be.below(5_000);

    const laterMs = Date.now() + 2 * HOUR_MS;
    await clients.campaigns.rescheduleCampaign({ campaignId, actor, startsAt: timestampFromMs(laterMs) });
    await watch.becomes(({ campaign }) => timestampDate(campaign?.startsAt as never).getTime() === laterMs);
    await clients.campaigns.pauseCampaign({ campaignId, actor });
    expect((await watch.becomes(isIn("PAUSED"))).remaining).to.equal(30);
    await clients.campaigns.resumeCampaign({ campaignId });
    await watch.becomes(isIn("SCHEDULED"));
    await clients.campaigns.rescheduleCampaign({ campaignId, actor, startsAt: timestampFromMs(Date.now()) });
    await watch.becomes(isIn("OPEN"));

    const claim = (user: number) =>
      clients.coupons
        .issueCoupon({ campaignId, userId: `${KEY_PREFIX}watch-${user}` })
        .catch(() => undefined);
    for (let user = 0; user < 31; user++) await claim(user);
    await watch.becomes(isIn("SOLD_OUT"));
    await clients.campaigns.addCoupons({ campaignId, actor, count: 5 });
    await watch.becomes(({ campaign }) => campaign?.total === 35 && isIn("OPEN")({ campaign } as never));
    // A server may still answer "sold out" from its memory.
    for (const user of [100, 101])
      expect(await until(async () => (await claim(user)) !== undefined, HANG_MS, 50)).to.equal(true);
    const heard = await watch.becomes(
      ({ traffic }) =>
        traffic?.outcomes.some(({ outcome, total }) => outcome === "issued" && total === 32n) === true,
    );
    expect(heard.traffic?.outcomes.find(({ outcome }) => outcome === "sold_out")?.total).to.satisfy(
      (total: bigint) => total >= 1n,
    );
    expect(heard.traffic?.p50Ms).to.be.within(0.01, 2_000);
    expect(heard.traffic?.p99Ms).to.be.at.least(heard.traffic?.p50Ms ?? Number.NaN);
    expect(heard).to.include({ remaining: 3 });
    expect(heard.campaign?.issued).to.equal(32);
    await clients.campaigns.endCampaign({ campaignId, actor });
    await watch.becomes(isIn("ENDED"));
    // With `keepOn` the stream continues after the end, until the onlooker leaves.
    const count = watch.messages.length;
    expect(await until(() => watch.messages.length > count + 2, HANG_MS, 20)).to.equal(true);
    expect(((await watch.stop()) as ConnectError).code).to.equal(Code.Canceled);

    const texts = watch.texts();
    const inOrder = [
      `operator (mina@ops) rescheduled it: opens ${new Date(laterMs).toISOString().replace(".000Z", "Z")}`,
      "operator (mina@ops) paused it: no coupon is issued",
      "SCHEDULED → PAUSED",
      "operator resumed it",
      "PAUSED → SCHEDULED",
      "SCHEDULED → OPEN",
      "OPEN → SOLD_OUT",
      "operator (mina@ops) added 5 coupons",
      "SOLD_OUT → OPEN",
      "operator (mina@ops) ended it",
      "OPEN → ENDED",
    ];
    expect(inOrder.filter((text) => texts.filter((one) => one === text).length !== 1)).to.deep.equal([]);
    const [process] = heard.processes;
    expect(process).to.deep.include({
      pid: server.process.pid,
      roles: ["server", "scheduler", "generator", "events"],
    });
    expect(Math.abs(process?.clockOffsetMs ?? Number.NaN)).to.be.at.most(process?.clockUncertaintyMs ?? 0);
  });

  it("a stream that is not to keep on ends with the campaign, also one that is opened afterwards", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    const watch = watching(clients, campaignId, false);
    await watch.becomes(isIn("OPEN"));
    await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}last` });
    expect(await watch.ended).to.equal("ended");
    expect(watch.messages.at(-1)?.campaign?.state).to.equal(CampaignState.SOLD_OUT);
    const late = watching(clients, campaignId, false);
    expect(await late.ended).to.equal("ended");
    expect(late.messages).to.have.length(1);
  });

  it("who looks seldom, late, or again after a break is told every state, once and in order, as the history has it", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 2 });
    const seldom = watching(clients, campaignId, false, { intervalMs: 60_000 });
    await seldom.becomes(() => true);
    const broken = watching(clients, campaignId, true);
    await broken.becomes(({ revision }) => (revision ?? 0) >= 2);
    await broken.stop();
    const { revision } = broken.messages.at(-1) as WatchCampaignResponse;
    // All of this happens while none of these onlookers reads.
    for (let turn = 0; turn < 3; turn++) {
      await clients.campaigns.pauseCampaign({ campaignId });
      await clients.campaigns.resumeCampaign({ campaignId });
    }
    for (const user of ["a", "b"])
      await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}seldom-${user}` });
    await untilState(clients, campaignId, "SOLD_OUT");
    await clients.campaigns.endCampaign({ campaignId });

    const turns = [3, 5, 7].flatMap((n) => [`${n} OPEN → PAUSED`, `${n + 1} PAUSED → OPEN`]);
    const before = ["1 GENERATING → SCHEDULED", "2 SCHEDULED → OPEN"];
    const since = [...turns, "9 OPEN → SOLD_OUT", "10 SOLD_OUT → ENDED"];
    const late = watching(clients, campaignId, false);
    expect(await late.ended).to.equal("ended");
    expect(late.states()).to.deep.equal([...before, ...since]);
    expect(late.messages.at(-1)).to.include({ revision: 10, isOver: true });
    const again = watching(clients, campaignId, false, { afterRevision: revision as number });
    expect(await again.ended).to.equal("ended");
    expect([...broken.states(), ...again.states()]).to.deep.equal([...before, ...since]);
    const fromStart = watching(clients, campaignId, false, { afterRevision: 0 });
    expect(await fromStart.ended).to.equal("ended");
    expect(fromStart.states()).to.deep.equal([...before, ...since]);
    // The event of the opening has the instant of the opening, not the instant of its record.
    const { campaign } = late.messages[0] as WatchCampaignResponse;
    const opening = late.messages[0]?.events.find(({ revision: led, toState }) => led === 2 && toState);
    expect(opening?.at).to.deep.equal(campaign?.openedAt);
    await seldom.stop();
  });

  it("a server that joins, one that leaves and one that is killed are told", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    const watch = watching(clients, campaignId, true);
    await watch.becomes(({ processes }) => processes.length === 1);
    const [polite, other] = [
      await services.start({ roles: "server" }),
      await services.start({ roles: "scheduler" }),
    ];
    await watch.becomes(({ processes }) => processes.length === 3);
    const pids = [polite.process.pid, other.process.pid];
    expect(await polite.process.stop()).to.equal(0);
    await watch.becomes(({ processes }) => processes.length === 2);
    await other.process.kill();
    expect(await until(() => watch.texts().some((text) => text.endsWith("is silent")), HANG_MS, 50)).to.equal(
      true,
    );
    await watch.stop();
    const told = watch.texts().filter((text) => pids.some((pid) => text.includes(`/${pid} `)));
    expect(told.map((text) => text.replace(/^.*?\/\d+ /, ""))).to.deep.equal([
      "(server) has joined",
      "(scheduler) has joined",
      "(server) has left",
      "(scheduler) is silent",
    ]);
  });

  it(`a server has at most ${WATCHERS_MAX} onlookers; one that leaves makes room`, async () => {
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    const watches = Array.from({ length: WATCHERS_MAX }, () => watching(clients, campaignId, true));
    for (const watch of watches) await watch.becomes(() => true);
    const refused = await watching(clients, campaignId, true).ended;
    expect(refused).to.be.instanceOf(ConnectError);
    const error = refused as ConnectError;
    expect(error.code).to.equal(Code.Unavailable);
    expect(error.findDetails(RefusalSchema)[0]?.reason).to.equal(RefusalReason.OVERLOADED);
    expect(error.rawMessage).to.match(/100 streams watch campaigns on this server already; ask another one/);

    await Promise.all(watches.splice(0, 2).map((watch) => watch.stop()));
    const isRoom = async () => {
      const watch = watching(clients, campaignId, true);
      const isAdmitted = await watch
        .becomes(() => true)
        .then(
          () => true,
          () => false,
        );
      if (isAdmitted) watches.push(watch);
      return isAdmitted;
    };
    expect(await until(isRoom, HANG_MS, 50)).to.equal(true);
    await Promise.all(watches.map((watch) => watch.stop()));
  });

  it("an unknown campaign and a bad interval are refused", async () => {
    const unknown = await watching(clients, "01ARZ3NDEKTSV4RRFFQ69G5FAV", false).ended;
    expect((unknown as ConnectError).code).to.equal(Code.NotFound);
    const bad = (async () => {
      for await (const _ of clients.campaigns.watchCampaign({
        campaignId: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        intervalMs: 99,
      }));
    })();
    expect(ConnectError.from(await bad.catch((error: unknown) => error)).code).to.equal(Code.InvalidArgument);
  });
});
