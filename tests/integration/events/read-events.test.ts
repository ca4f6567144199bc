import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import type { Event } from "../../../proto/gen/coupon/v1/event_pb.ts";
import { refusal } from "../../support/answers.ts";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients, grpcClients, grpcWebClients } from "../../support/clients.ts";
import { keySetting } from "../../support/operator-key.ts";
import { HANG_MS } from "../../support/patience.ts";
import { post } from "../../support/post.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

const VIEWER_KEY = "viewer-key-000000000000000000000000000";
const FOLLOWERS_MAX = 20;
const user = (i: number) => `${KEY_PREFIX}${i}`;

type Follow = { readonly got: Event[]; token: string; stop(): Promise<void> };

describe("Events, read from running services", () => {
  const stores = withStores();
  let services: Services;
  let first: Service;
  let second: Service;
  let clients: Clients;
  const following = new Set<Follow>();

  before(async () => {
    const { name, role, sha256 } = keySetting("the-viewer", "viewer", VIEWER_KEY);
    services = createServices({ ...stores.env, OPERATOR_KEYS: `${name}:${role}:${sha256}` });
    [first, second] = await Promise.all([services.start(), services.start({ roles: "server" })]);
    clients = connectClients(second.url);
  });

  afterEach(async () => {
    await Promise.all([...following].map((one) => one.stop()));
  });

  after(() => services.end());

  type Chosen = { readonly campaignId?: string; readonly types?: string[]; readonly thresholds?: string[] };
  type Asked = Chosen & { readonly pageToken?: string; readonly batchSize?: number };

  /** Follows events until it is stopped, and notes each, with the token after it. */
  function follow({ events }: Clients, asked: Asked): Follow {
    const leaving = new AbortController();
    const one: Follow = {
      got: [],
      token: "",
      async stop() {
        following.delete(one);
        leaving.abort();
        await reading;
      },
    };
    const reading = (async () => {
      try {
        for await (const message of events.followEvents(asked, { signal: leaving.signal })) {
          one.got.push(...message.events);
          one.token = message.nextPageToken;
        }
      } catch (error) {
        if (!leaving.signal.aborted) throw error;
      }
    })();
    reading.catch(() => undefined);
    following.add(one);
    return one;
  }

  const told = (events: readonly Event[]) =>
    events.map(({ type, data }) => data?.["number"] ?? type.replace("campaign.", ""));
  const idsOf = (events: readonly Event[]) => events.map(({ id }) => id);

  async function sell(through: Clients, campaignId: string, from: number, to: number): Promise<void> {
    for (let i = from; i <= to; i++) await through.coupons.issueCoupon({ campaignId, userId: user(i) });
  }

  async function listAll(through: Clients, asked: Chosen, pageSize: number): Promise<Event[]> {
    const found: Event[] = [];
    let pageToken = "";
    for (;;) {
      const page = await through.events.listEvents({ ...asked, pageSize, pageToken });
      found.push(...page.events);
      pageToken = page.nextPageToken;
      if (page.isAll) return found;
      const paged = page.events.filter(({ type }) => type !== "stock.low");
      expect(paged).to.have.length.within(1, pageSize);
    }
  }

  async function whole(through: Clients): Promise<void> {
    const campaignId = await createOpenCampaign(through, { total: 5 });
    const followed = follow(through, { campaignId, thresholds: ["40%"] });
    await sell(through, campaignId, 1, 5);
    await untilState(through, campaignId, "SOLD_OUT");
    const wanted = ["created", "scheduled", "opened", 1, 2, 3, "stock.low", 4, 5, "sold_out"];
    expect(await until(() => followed.got.length >= wanted.length, HANG_MS)).to.equal(true);
    expect(told(followed.got)).to.deep.equal(wanted);
    const listed = await listAll(through, { campaignId, thresholds: ["40%"] }, 3);
    expect(listed).to.deep.equal(followed.got);
    const sequences = listed.map(({ sequence }) => sequence);
    expect(sequences).to.deep.equal(sequences.toSorted());
    const [, , , coupon] = listed;
    expect(coupon).to.deep.include({ specversion: "1.0", source: `/campaigns/${campaignId}` });
    expect(coupon?.data).to.deep.include({ campaignId, userId: user(1), seq: 1, number: 1 });
    const sold = await listAll(through, { campaignId, types: ["campaign.sold_out"] }, 100);
    expect(told(sold)).to.deep.equal(["sold_out"]);
  }

  describe("of one campaign, listed and followed", () => {
    it("over Connect, HTTP/1.1, binary", () => whole(clients));
    it("over Connect, HTTP/1.1, JSON", () => whole(connectClients(first.url, { json: true })));
    it("over gRPC-Web", () => whole(grpcWebClients(first.url)));
    it("over gRPC, HTTP/2 without TLS", async () => {
      const grpc = grpcClients(first.grpcUrl);
      try {
        await whole(grpc);
      } finally {
        await Promise.all([...following].map((one) => one.stop()));
        grpc.close();
      }
    });

    it("as JSON: a CloudEvent as sinks get it", async () => {
      const campaignId = await createOpenCampaign(clients, { total: 1 });
      await sell(clients, campaignId, 1, 1);
      await untilState(clients, campaignId, "SOLD_OUT");
      const reply = await post(second.url, "EventService/ListEvents", {
        campaignId,
        types: ["coupon.issued"],
      });
      const [event] = (reply.json?.["events"] ?? []) as Record<string, unknown>[];
      expect(Object.keys(event ?? {})).to.deep.equal([
        ...["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "sequence", "data"],
      ]);
      expect(Object.keys(event?.["data"] as object)).to.include.members([
        "code",
        "userId",
        "issuedAt",
        "number",
      ]);
    });
  });

  it("a stream goes on where it broke, each event once: its server is killed in a sale", async () => {
    const third = await services.start({ roles: "server" });
    const dying = connectClients(third.url);
    const campaignId = await createOpenCampaign(clients, { total: 60 });
    const before = follow(dying, { campaignId, batchSize: 7 });
    await sell(dying, campaignId, 1, 30);
    expect(await until(() => before.got.length > 10, HANG_MS, 5)).to.equal(true);
    await third.process.kill();
    // It broke, and says so.
    await before.stop().catch(() => undefined);
    const { token, got } = before;
    expect(got.length, "it was killed while events came").to.be.greaterThan(10);
    const after = follow(clients, { campaignId, pageToken: token });
    await sell(clients, campaignId, 31, 60);
    await untilState(clients, campaignId, "SOLD_OUT");
    expect(await until(() => told(after.got).at(-1) === "sold_out", HANG_MS)).to.equal(true);
    const numbers = Array.from({ length: 60 }, (_, i) => i + 1);
    expect(told([...got, ...after.got])).to.deep.equal([
      ...["created", "scheduled", "opened", ...numbers, "sold_out"],
    ]);
  });

  it("of all campaigns in one order, the same for each reader, on any server", async () => {
    const [one, two] = await Promise.all([
      createOpenCampaign(clients, { total: 20 }),
      createOpenCampaign(clients, { total: 20 }),
    ]);
    const [here, there] = [follow(clients, {}), follow(connectClients(first.url), {})];
    for (let i = 1; i <= 20; i += 4)
      await Promise.all([sell(clients, one, i, i + 3), sell(clients, two, i, i + 3)]);
    await Promise.all([one, two].map((id) => untilState(clients, id, "SOLD_OUT")));
    const overs = ({ got }: Follow) =>
      got.filter(
        ({ type, source }) => type === "campaign.sold_out" && [one, two].some((id) => source.endsWith(id)),
      ).length;
    expect(await until(() => overs(here) === 2 && overs(there) === 2, HANG_MS)).to.equal(true);
    const ofOurs = ({ got }: Follow) =>
      got.filter(({ source }) => source.endsWith(one) || source.endsWith(two));
    expect(idsOf(there.got)).to.deep.equal(idsOf(here.got));
    expect(new Set(idsOf(here.got)).size, "each once").to.equal(here.got.length);
    for (const id of [one, two])
      expect(idsOf(ofOurs(here).filter(({ source }) => source.endsWith(id)))).to.deep.equal(
        idsOf(await listAll(clients, { campaignId: id }, 100)),
      );
    expect(idsOf(await listAll(clients, {}, 9)), "listed").to.deep.equal(idsOf(here.got));
  });

  it("from now on: nothing of before, of one campaign and of all", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 4 });
    await sell(clients, campaignId, 1, 2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [ofOne, ofAll] = await Promise.all([
      clients.events.listEvents({ campaignId, fromNow: true }),
      clients.events.listEvents({ fromNow: true }),
    ]);
    expect([ofOne.events, ofAll.events, ofOne.isAll]).to.deep.equal([[], [], true]);
    const followed = [
      follow(clients, { campaignId, pageToken: ofOne.nextPageToken }),
      follow(clients, { pageToken: ofAll.nextPageToken }),
      follow(clients, { pageToken: ofAll.nextPageToken, types: ["campaign.*"] }),
    ];
    await sell(clients, campaignId, 3, 4);
    await untilState(clients, campaignId, "SOLD_OUT");
    const isOver = () => followed.every(({ got }) => told(got).at(-1) === "sold_out");
    expect(await until(isOver, HANG_MS)).to.equal(true);
    expect(followed.map(({ got }) => told(got))).to.deep.equal([
      [3, 4, "sold_out"],
      [3, 4, "sold_out"],
      ["sold_out"],
    ]);
  });

  it("a viewer reads what holds no coupon; bad input is named; streams are bounded", async () => {
    const viewer = connectClients(second.url, { token: VIEWER_KEY });
    const campaignId = await createOpenCampaign(clients, { total: 1 });
    expect(told(await listAll(viewer, { campaignId, types: ["campaign.*"] }, 100))).to.deep.equal([
      ...["created", "scheduled", "opened"],
    ]);
    for (const types of [[], ["coupon.issued"], ["campaign.*", "coupon.issued"]]) {
      const refused = await refusal(viewer.events.listEvents({ campaignId, types }));
      expect([refused.code, refused.reason], types.join()).to.deep.equal([
        Code.PermissionDenied,
        "PERMISSION_DENIED",
      ]);
      expect(refused.message).to.match(/^ListEvents with issued coupons .* needs the role operator/);
    }
    const other = await createOpenCampaign(clients, { total: 1 });
    const { nextPageToken: ofOther } = await clients.events.listEvents({ campaignId: other });
    const { nextPageToken: ofAll } = await clients.events.listEvents({ fromNow: true });
    const [unknownTypes, everything] = [["coupon.redeemed"], ["100%"]];
    for (const [asked, message] of [
      [{ campaignId, pageToken: ofOther }, /^page_token: must be one for the same campaign/],
      [{ campaignId, pageToken: ofAll }, /^page_token: must be one for the same campaign/],
      [{ pageToken: ofOther }, /^page_token: must be one for the same campaign/],
      [{ pageToken: "!" }, /^page_token: must be empty or a next_page_token/],
      [{ pageToken: ofAll, fromNow: true }, /^page_token: must be empty where from_now is true/],
      [{ types: unknownTypes }, /^types: must be some of campaign\.created, .*stock\.low/],
      [{ thresholds: everything }, /^thresholds: must be at most 10: each a number of coupons/],
      [{ pageSize: 1_001 }, /^page_size: is 1,001: must be at most 1,000/],
      [{ campaignId: "R1JSTANDAB0000000000000000" }, /^campaign_id: is a rehearsal/],
    ] as const) {
      const refused = await refusal(clients.events.listEvents(asked));
      expect([refused.code, refused.reason]).to.deep.equal([Code.InvalidArgument, "INVALID"]);
      expect(refused.message).to.match(message);
    }
    const unknown = await refusal(clients.events.listEvents({ campaignId: "01JSTANDAB0000000000000000" }));
    expect([unknown.code, unknown.reason]).to.deep.equal([Code.NotFound, "UNKNOWN_CAMPAIGN"]);

    const streams = Array.from({ length: FOLLOWERS_MAX }, () => follow(clients, { campaignId }));
    expect(await until(() => streams.every(({ token }) => token !== ""), HANG_MS)).to.equal(true);
    const iterator = clients.events.followEvents({ campaignId })[Symbol.asyncIterator]();
    const refused = await refusal(iterator.next());
    expect([refused.code, refused.reason]).to.deep.equal([Code.Unavailable, "OVERLOADED"]);
    expect(refused.message).to.include("20 streams follow events on this server already");
    await streams[0]?.stop();
    const isFree = async () => {
      const again = follow(clients, { campaignId });
      const came = await until(() => again.token !== "", 1_000, 5);
      // It was refused, where the place is not free yet.
      await again.stop().catch(() => undefined);
      return came;
    };
    expect(await until(isFree, HANG_MS)).to.equal(true);
  });
});
