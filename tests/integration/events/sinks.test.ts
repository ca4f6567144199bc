import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { type CloudEvent, testEvent } from "../../../events/cloud-event.ts";
import { countIn } from "../../../events/runs.ts";
import { until } from "../../../local/poll.ts";
import { type Sink, SinkKind } from "../../../proto/gen/coupon/v1/sink_pb.ts";
import { createDeadLetters } from "../../../record/dead-letters.ts";
import type { SinkDoc } from "../../../record/event-documents.ts";
import { refusal } from "../../support/answers.ts";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients, grpcClients, grpcWebClients } from "../../support/clients.ts";
import { readLog } from "../../support/event-log.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { openWebhookReceiver, verified, type WebhookReceiver } from "../../support/webhook-receiver.ts";
import { withStores } from "../../support/with-stores.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const user = (i: number) => `${KEY_PREFIX}${i}`;

describe("Sinks of a running service", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let receiver: WebhookReceiver;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
  });

  beforeEach(async () => {
    receiver = await openWebhookReceiver();
  });

  afterEach(async () => {
    const { sinks } = await clients.events.listSinks({});
    for (const { name } of sinks) await clients.events.removeSink({ name });
    await receiver.close();
  });

  after(() => services.end());

  const eventsIn = (secret: string) => receiver.requests.flatMap((request) => verified(request, secret));
  const typesIn = (secret: string) => eventsIn(secret).map(({ type }) => type);
  const sinkNamed = async (name: string, through = clients): Promise<Sink> => {
    const { sink } = await through.events.getSink({ name });
    if (sink === undefined) throw new Error("GetSink answered without a sink");
    return sink;
  };

  /** Puts the three coupons of a campaign aside, as after a day in which they were refused. */
  async function deadLettersOf(campaignId: string): Promise<string[]> {
    const deadLetters = createDeadLetters(stores.db);
    const sink = await stores.db.collection<SinkDoc>("sinks").findOne({ _id: "crm" });
    const log = await readLog(stores.db, campaignId);
    const places = log.flatMap((entry) =>
      entry.kind === "issued"
        ? Array.from({ length: countIn(entry.runs) }, (_, index) => ({ n: entry.n, index }))
        : [],
    );
    const failing = { since: new Date(), attempts: 9, error: "the receiver answered 500" };
    const ids = places.map(({ n, index }) => `${sink?.key}/${campaignId}/${n}-${index}`);
    for (const [i, { n, index }] of places.entries())
      await deadLetters.add({
        ...{ _id: ids[i] ?? "", key: sink?.key ?? "", sink: "crm", campaignId, events: 1, firstId: "" },
        ...{ from: { n, index }, to: { n, index: index + 1 }, failing, at: new Date() },
      });
    return ids;
  }

  /** A sink's whole life through one client. */
  async function wholeLife(through: Clients): Promise<void> {
    const { events } = through;
    const beganMs = Date.now();
    const added = await events.addSink({
      ...{ name: "crm", url: receiver.url, types: ["coupon.issued", "campaign.sold_out", "stock.low"] },
      ...{ thresholds: ["1"], actor: "kim" },
    });
    expect([added.already, added.notices]).to.deep.equal([false, []]);
    expect(added.secret, "shown this once").to.match(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret } = added;
    expect(added.sink).to.deep.include({
      ...{ name: "crm", kind: SinkKind.WEBHOOK, paused: false, addedBy: "operator (kim)" },
      types: ["coupon.issued", "campaign.sold_out", "stock.low"],
      thresholds: ["1"],
    });
    expect(added.sink?.target, "the path of a webhook may be secret").not.to.include("s3cret");

    const tested = await events.testSink({ name: "crm" });
    expect([tested.delivered, tested.finding]).to.deep.equal([true, "the receiver took the event"]);
    expect(tested.process).to.include({ pid: service.process.pid });
    const [test] = eventsIn(secret);
    expect(test).to.deep.equal({ ...testEvent("crm", "", 0), id: tested.eventId, time: test?.time });

    const campaignId = await createOpenCampaign(through, { total: 3 });
    for (let i = 0; i < 3; i++) await through.coupons.issueCoupon({ campaignId, userId: user(i) });
    await untilState(through, campaignId, "SOLD_OUT");
    expect(await until(() => typesIn(secret).includes("campaign.sold_out"), HANG_MS)).to.equal(true);
    const wanted = ["sink.test", ...["coupon.issued", "coupon.issued", "stock.low", "coupon.issued"]];
    expect(typesIn(secret)).to.deep.equal([...wanted, "campaign.sold_out"]);
    const isAllTold = async () => (await sinkNamed("crm", through)).delivery?.delivered === 5n;
    expect(await until(isAllTold, HANG_MS)).to.equal(true);
    // The lag is what the process reported when it last renewed its lease.
    const isAtEnd = async () => {
      const { waiting, lagMs } = (await sinkNamed("crm", through)).delivery ?? {};
      return waiting === 0n && lagMs === 0n;
    };
    expect(await until(isAtEnd, HANG_MS), "nothing waits").to.equal(true);
    const { sinks, processes } = await events.listSinks({});
    expect([sinks.map(({ name }) => name), processes]).to.deep.equal([["crm"], 1]);
    expect(sinks[0]?.delivery).to.deep.include({
      ...{ failedAttempts: 0n, lagMs: 0n, deadLetters: 0n, failing: [], lastError: "" },
    });
    expect(sinks[0]?.delivery?.process?.pid).to.equal(service.process.pid);
    const { lastDeliveredAt } = sinks[0]?.delivery ?? {};
    expect(lastDeliveredAt && timestampMs(lastDeliveredAt)).to.be.within(beganMs - 1_000, Date.now() + 1_000);

    const rotated = await events.rotateSinkSecret({ name: "crm", secret: SECRET, overlapMs: 3_600_000n });
    expect([rotated.secret, rotated.sink?.secretSha256Prefixes.length]).to.deep.equal(["", 2]);
    const { overlapUntil } = rotated.sink ?? {};
    expect(overlapUntil && timestampMs(overlapUntil) - Date.now()).to.be.within(3_500_000, 3_700_000);
    await events.testSink({ name: "crm" });
    const last = receiver.requests.at(-1);
    for (const one of [secret, SECRET]) expect(last && verified(last, one)).to.have.length(1);

    expect((await events.pauseSink({ name: "crm" })).already).to.equal(false);
    const paused = await events.pauseSink({ name: "crm" });
    expect([paused.already, paused.sink?.paused, paused.sink?.changedBy]).to.deep.equal([
      true,
      true,
      "operator",
    ]);
    expect((await events.testSink({ name: "crm" })).delivered, "also while it is paused").to.equal(true);
    const other = await createOpenCampaign(through, { total: 1 });
    await through.coupons.issueCoupon({ campaignId: other, userId: user(0) });
    await untilState(through, other, "SOLD_OUT");
    const waits = async () => (await sinkNamed("crm", through)).delivery?.waiting ?? 0n;
    expect(Number(await waits()), "a coupon, and its changes").to.be.at.least(1);
    expect(Number((await sinkNamed("crm", through)).delivery?.lagMs)).to.be.greaterThan(0);
    const changed = await events.updateSink({
      name: "crm",
      types: ["campaign.sold_out"],
      noThresholds: true,
    });
    expect(changed.sink).to.deep.include({ types: ["campaign.sold_out"], thresholds: [] });
    expect((await events.updateSink({ name: "crm", types: ["campaign.sold_out"] })).already).to.equal(true);
    let before = receiver.requests.length;
    const told = () => receiver.requests.slice(before).map(({ body }) => JSON.parse(body) as CloudEvent);
    expect((await events.resumeSink({ name: "crm" })).already).to.equal(false);
    expect(await until(() => told().length > 0, HANG_MS)).to.equal(true);
    expect(told().map(({ type }) => type)).to.deep.equal(["campaign.sold_out"]);

    await events.updateSink({ name: "crm", allTypes: true });
    const [first, second, third] = await deadLettersOf(campaignId);
    before = receiver.requests.length;
    const listed = await events.listDeadLetters({ sink: "crm", pageSize: 2 });
    const rest = await events.listDeadLetters({ pageToken: listed.nextPageToken });
    expect([...listed.deadLetters, ...rest.deadLetters].map(({ id }) => id)).to.deep.equal([
      ...[first, second, third],
    ]);
    expect(listed.deadLetters[0]).to.deep.include({
      ...{ sink: "crm", campaignId, events: 1, attempts: 9, error: "the receiver answered 500" },
    });
    expect(rest.nextPageToken).to.equal("");
    const replayed = await events.replayDeadLetters({ sink: "crm", ids: [second ?? ""] });
    expect(replayed.replaying).to.equal(1n);
    expect(await until(() => told().length > 0, HANG_MS)).to.equal(true);
    expect(told().map(({ data }) => "number" in data && data.number)).to.deep.equal([2]);
    const isGone = async () => (await sinkNamed("crm", through)).delivery?.deadLetters === 2n;
    expect(await until(isGone, HANG_MS)).to.equal(true);
    expect((await events.dropDeadLetters({ sink: "crm", ids: [first ?? ""] })).dropped).to.equal(1n);

    expect((await events.removeSink({ name: "crm" })).deadLetters).to.equal(1n);
    const gone = await refusal(events.getSink({ name: "crm" }));
    expect([gone.code, gone.reason]).to.deep.equal([Code.NotFound, "UNKNOWN_SINK"]);
    expect(await stores.db.collection("dead_letters").countDocuments()).to.equal(0);
  }

  describe("serves the whole life of a sink", () => {
    it("over Connect, HTTP/1.1, binary", () => wholeLife(clients));
    it("over Connect, HTTP/1.1, JSON", () => wholeLife(connectClients(service.url, { json: true })));
    it("over gRPC-Web", () => wholeLife(grpcWebClients(service.url)));
    it("over gRPC, HTTP/2 without TLS", async () => {
      const grpc = grpcClients(service.grpcUrl);
      try {
        await wholeLife(grpc);
      } finally {
        grpc.close();
      }
    });
  });

  it("says where nothing is delivered, and takes a repeated AddSink for the same", async () => {
    const { events } = clients;
    const given = { name: "audit", url: receiver.url, secret: SECRET, fromBeginning: true };
    expect(await events.addSink(given)).to.deep.include({ already: false, secret: "", notices: [] });
    expect(await events.addSink(given)).to.deep.include({ already: true, secret: "", notices: [] });
    for (const other of [{ types: ["stock.low"] }, { secret: "" }, { url: `${receiver.url}x` }]) {
      if (other.secret === "") {
        const { already, secret, notices } = await events.addSink({ ...given, ...other });
        expect([already, secret, notices.length], "its secret is not shown again").to.deep.equal([
          true,
          "",
          1,
        ]);
        continue;
      }
      const refused = await refusal(events.addSink({ ...given, ...other }));
      expect([refused.code, refused.reason]).to.deep.equal([Code.AlreadyExists, "SINK_EXISTS"]);
    }
    receiver.answer = (response) => void response.writeHead(500).end();
    const { delivered, finding } = await events.testSink({ name: "audit" });
    expect([delivered, finding]).to.deep.equal([false, "the receiver answered 500"]);
  });

  it("a receiver that refuses: its operators see since when, how often, and in which words", async () => {
    receiver.answer = (response) => void response.writeHead(503).end();
    await clients.events.addSink({ name: "down", url: receiver.url, fromBeginning: true });
    const campaignId = await createOpenCampaign(clients, { total: 2 });
    const delivery = async () => (await sinkNamed("down")).delivery;
    const isFailing = async () => {
      const { failing = [], lagMs = 0n } = (await delivery()) ?? {};
      return (failing.find((one) => one.campaignId === campaignId)?.attempts ?? 0) > 1 && lagMs > 0n;
    };
    expect(await until(isFailing, HANG_MS)).to.equal(true);
    const {
      failing = [],
      lastError,
      lagMs = 0n,
      waiting = 0n,
      failedAttempts = 0n,
    } = (await delivery()) ?? {};
    const one = failing.find((each) => each.campaignId === campaignId);
    expect([one?.error, lastError]).to.deep.equal(["the receiver answered 503", "the receiver answered 503"]);
    expect(one?.since && timestampMs(one.since)).to.be.at.most(Date.now());
    expect(
      lagMs > 0n && waiting >= 2n && failedAttempts >= 2n,
      `${lagMs} ${waiting} ${failedAttempts}`,
    ).to.equal(true);
  });
});
