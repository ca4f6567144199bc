import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { createCampaignCache } from "../../claims/campaign-cache.ts";
import { createIssueCoupon } from "../../claims/issue-coupon.ts";
import { createRefusedCredentials } from "../../claims/refused-credentials.ts";
import { createTally } from "../../claims/tally.ts";
import { until } from "../../local/poll.ts";
import type { Issuances } from "../../record/issuances.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type CouponServiceDeps, createCouponService } from "../../server/rpc/coupon-service.ts";
import { createLiveView } from "../../server/view/live-view.ts";
import { type Clients, connectClients, grpcClients, grpcWebClients } from "../support/clients.ts";
import { issuedCampaign } from "../support/issued-campaign.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { type OpenApp, openApp } from "../support/open-app.ts";
import { OPEN_CLAIM_AUTH } from "../support/open-claims.ts";
import { gate, openSale, type Sale } from "../support/open-sale.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { HANG_MS } from "../support/patience.ts";
import { testBreakers } from "../support/test-breakers.ts";
import { withStores } from "../support/with-stores.ts";
import { type LeavingCall, type LeavingCaller, leavingCallers, WIRES, type Wire } from "./leaving-caller.ts";

const DEADLINE_MS = 50;
/** No more callers at once than the server admits exports. */
const AT_ONCE = 12;
/** A few large lines fill the buffers between a server and its reader at the least cost. */
const LINE = "x".repeat(16_384);
const LINES = 16;

const OPERATOR = { authorization: `Bearer ${OPERATOR_TOKEN}` };

/** The id of a campaign for which the handlers throw. */
const BUGGY = "buggy";

type Door = { waiting: number; passed: Promise<void>; open(): void };
type Asked = Pick<LeavingCall, "method" | "isStream" | "fields" | "headers">;

describe("a caller that leaves its call", () => {
  const stores = withStores();
  let sale: Sale;
  let app: OpenApp;
  let issued: string;
  const lines: string[] = [];
  const consoleError = console.error;

  /**
   * The doors at which calls wait in their handler and before a store. Open unless a test closes them.
   */
  const doors: { handler: Door; store: Door } = { handler: openDoor(), store: openDoor() };
  let underWay = 0;
  let reads = 0;
  let endless = false;

  async function at(which: keyof typeof doors): Promise<void> {
    doors[which].waiting++;
    await doors[which].passed;
  }

  before(async () => {
    console.error = (...words: unknown[]) => void lines.push(`console: ${words.map(told).join(" ")}`);
    issued = await issuedCampaign(stores, 40);
    sale = await openSale(stores, {
      ...{ total: 5_000, onePerUser: false },
      pool: (real) => ({
        ...real,
        async claim(...asked) {
          await at("store");
          return real.claim(...asked);
        },
      }),
    });
    const { campaigns } = recordsOf(stores.db);
    const clock = systemClock;
    const liveView = createLiveView(campaigns, stores.pool, testBreakers(clock), clock);
    const campaignCache = createCampaignCache(campaigns, clock);
    const claim = createIssueCoupon({
      claimAuth: OPEN_CLAIM_AUTH,
      ...{ claimer: sale.claimer, campaignCache, clock, metrics: sale.metrics },
      ...{
        tally: createTally(),
        refusedCredentials: createRefusedCredentials(clock),
        issueDeadlineMs: 60_000,
      },
    });
    const issueCoupon: typeof claim = (...asked) => counted(async () => claim(...asked));
    const couponDeps: Pick<CouponServiceDeps, "issueCoupon" | "clock"> = { issueCoupon, clock };
    app = await openApp(stores, {
      ...{ clock, issueCoupon },
      // Over a thousand callers leave, all from one address: as behind a trusted proxy, they are not counted
      // together.
      connections: { most: 10_000, perSourceMax: 1_000, isProxy: () => true },
      logger: createLogger({
        ...{ level: "trace", format: "json" },
        destination: { write: (line: string) => void lines.push(line) },
      }),
      couponService: createCouponService(couponDeps as CouponServiceDeps),
      issuances: (real) => ({ ...real, inOrder: (...asked) => inOrder(real, ...asked) }),
      deps: {
        liveView: {
          peek: () => undefined,
          async look(campaignId) {
            await at("store");
            return liveView.look(campaignId);
          },
        },
      },
      campaignService: (real) => ({
        ...real,
        getCampaign: (request, context) => counted(async () => real.getCampaign(sound(request), context)),
        exportCoupons: (...asked) => countedStream(() => real.exportCoupons(...asked)),
        watchCampaign: (request, context) => countedStream(() => real.watchCampaign(sound(request), context)),
      }),
    });
  });

  after(async () => {
    console.error = consoleError;
    await app?.close();
  });

  function told(word: unknown): string {
    return word instanceof Error ? (word.stack ?? word.message) : String(word);
  }

  function sound<T extends { campaignId: string }>(request: T): T {
    if (request.campaignId === BUGGY) throw new TypeError("a true bug");
    return request;
  }

  async function counted<T>(run: () => Promise<T>): Promise<T> {
    underWay++;
    try {
      await at("handler");
      return await run();
    } finally {
      underWay--;
    }
  }

  async function* countedStream<T>(run: () => AsyncIterable<T>): AsyncIterable<T> {
    underWay++;
    try {
      await at("handler");
      yield* run();
    } finally {
      underWay--;
    }
  }

  async function inOrder(real: Issuances, ...asked: Parameters<Issuances["inOrder"]>) {
    reads++;
    await at("store");
    if (!endless) return real.inOrder(...asked);
    const [campaignId, after, limit] = asked;
    const first = (after?.seq ?? 0) + 1;
    return Array.from({ length: Math.min(limit, LINES) }, (_, i) => ({
      ...{ _id: `code ${first + i}`, campaignId, claimKey: `${LINE}${first + i}` },
      ...{ generation: 1, seq: first + i, issuedAt: new Date(1_000) },
    }));
  }

  const METHODS: Readonly<Record<string, () => Asked>> = {
    IssueCoupon: () => ({
      ...{ method: "CouponService/IssueCoupon", isStream: false },
      fields: () => ({ campaignId: sale.campaign._id }),
    }),
    "IssueCoupon past the lanes": () => ({
      ...{
        method: "CouponService/IssueCoupon",
        isStream: false,
        headers: { "content-encoding": "identity" },
      },
      fields: () => ({ campaignId: sale.campaign._id }),
    }),
    GetCampaign: () => ({
      ...{ method: "CampaignService/GetCampaign", isStream: false, headers: OPERATOR },
      fields: () => ({ campaignId: issued }),
    }),
    ExportCoupons: () => ({
      ...{ method: "CampaignService/ExportCoupons", isStream: true, headers: OPERATOR },
      fields: () => ({ campaignId: issued, batchSize: LINES }),
    }),
    WatchCampaign: () => ({
      ...{ method: "CampaignService/WatchCampaign", isStream: true, headers: OPERATOR },
      fields: () => ({ campaignId: issued, intervalMs: 100, keepOn: true }),
    }),
  };

  async function becomes(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const { handler, store } = doors;
    const met = await until(condition, HANG_MS, 2);
    expect(met, `${what}: ${underWay} under way, ${handler.waiting} came, ${store.waiting} asked`).to.equal(
      true,
    );
  }

  type Moment = {
    readonly call?: Partial<LeavingCall>;
    /** The door that stays closed until all callers have left. */
    readonly at?: keyof typeof doors;
    come(callers: readonly LeavingCaller[]): Promise<void>;
  };

  /** Lets callers leave in every way, at a given moment of the call. */
  async function leaveAll(wire: Wire, asked: Asked, moment: Moment): Promise<void> {
    const port = wire.isHttp2 ? app.grpcPort : app.port;
    const openers = leavingCallers(wire, { ...asked, ...moment.call, port }, DEADLINE_MS);
    for (let first = 0; first < openers.length; first += AT_ONCE) {
      reads = 0;
      Object.assign(doors, { handler: openDoor(), store: openDoor() });
      if (moment.at !== undefined) doors[moment.at] = closedDoor();
      const callers = openers.slice(first, first + AT_ONCE).map((open) => open());
      try {
        await moment.come(callers);
        for (const { leave } of callers) leave();
      } finally {
        for (const door of Object.values(doors)) door.open();
        await Promise.all(callers.map(({ end }) => end()));
      }
      await becomes("all calls end", () => underWay === 0);
      await becomes("all connections end", async () => (await app.connections()) === 0);
    }
  }

  const inTheRequest = (sent: "head" | "half"): Moment => ({
    call: { sent },
    come: ({ length }) => becomes("all connect", async () => (await app.connections()) === length),
  });
  const beforeTheHandler: Moment = {
    at: "handler",
    come: ({ length }) => becomes("all come to the handler", () => doors.handler.waiting === length),
  };
  const whileAStoreIsAsked: Moment = {
    at: "store",
    async come({ length }) {
      await becomes("all come to the handler", () => doors.handler.waiting === length);
      await becomes("a store is asked", () => doors.store.waiting > 0);
    },
  };
  const inTheAnswer: Moment = {
    come: (callers) => becomes("all hear something", () => callers.every(({ heard }) => heard())),
  };
  const withoutReading: Moment = {
    call: { reads: false },
    async come({ length }) {
      await becomes("all come to the handler", () => doors.handler.waiting === length);
      let before = 0;
      const standsStill = () => {
        const still = reads > 0 && reads === before;
        before = reads;
        return still;
      };
      expect(await until(standsStill, HANG_MS, 100), "no more is read than is taken").to.equal(true);
    },
  };

  /** The lines of log and console that an operator would look into: each test expects none. */
  function loudLines(): string[] {
    const loud = /"level":"(warn|error|fatal)"|^console: |\bbug\b|report it|\bat .*:\d+:\d+/;
    return lines.splice(0).filter((line) => loud.test(line));
  }

  for (const wire of WIRES) {
    for (const [name, askedOf] of Object.entries(METHODS)) {
      if (name.includes("past the lanes") && wire.isHttp2) continue;
      it(`is no trouble, however and whenever it does: ${name}, ${wire.name}`, async () => {
        const asked = askedOf();
        const moments = [inTheRequest("head"), inTheRequest("half"), beforeTheHandler];
        if (name !== "GetCampaign") moments.push(whileAStoreIsAsked);
        if (asked.isStream) moments.push(inTheAnswer);
        if (name === "ExportCoupons") moments.push(withoutReading);
        for (const moment of moments) {
          endless = moment === inTheAnswer || moment === withoutReading;
          await leaveAll(wire, asked, moment);
        }
        const loud = loudLines();
        expect(loud.length === 0 ? "" : `${loud.length} lines, as in ${loud[0]}`).to.equal("");
      });
    }
  }

  const CLIENTS: Readonly<Record<string, () => Clients & { close?(): void }>> = {
    "Connect over HTTP/1.1": () => connectClients(`http://127.0.0.1:${app.port}`),
    "gRPC-Web": () => grpcWebClients(`http://127.0.0.1:${app.port}`),
    gRPC: () => grpcClients(`http://127.0.0.1:${app.grpcPort}`),
  };
  for (const [name, clientsOf] of Object.entries(CLIENTS)) {
    it(`is no trouble when a client library leaves for it: ${name}`, async () => {
      const clients = clientsOf();
      const campaignId = sale.campaign._id;
      const claim = (options: CallOptions) => clients.coupons.issueCoupon({ campaignId }, options);
      const watch = async (options: CallOptions, enough = Number.POSITIVE_INFINITY) => {
        let seen = 0;
        for await (const _ of clients.campaigns.watchCampaign({ campaignId, intervalMs: 100 }, options)) {
          seen += 1;
          if (seen === enough) return;
        }
      };
      for (const call of [claim, watch]) {
        for (const leavesBy of ["its signal", "its deadline"] as const) {
          // A deadline that passes before the call reaches its handler proves nothing: retry with a longer
          // one.
          for (let timeoutMs = DEADLINE_MS; ; timeoutMs *= 2) {
            Object.assign(doors, { handler: closedDoor(), store: openDoor() });
            const leaving = new AbortController();
            let ended = "";
            const left = call({
              signal: leaving.signal,
              ...(leavesBy === "its deadline" ? { timeoutMs } : {}),
            }).then(
              () => "answered",
              (error: unknown) => {
                ended = Code[ConnectError.from(error).code] ?? "";
                return ended;
              },
            );
            await becomes("it comes to the handler", () => doors.handler.waiting === 1 || ended !== "");
            const came = doors.handler.waiting === 1;
            if (leavesBy === "its signal") leaving.abort();
            expect(await left).to.equal(leavesBy === "its signal" ? "Canceled" : "DeadlineExceeded");
            doors.handler.open();
            await becomes("the call ends", () => underWay === 0);
            if (came) break;
          }
        }
      }
      // The library does not end a call when its caller stops reading messages; only the signal ends it.
      const enough = new AbortController();
      await watch({ signal: enough.signal }, 1);
      enough.abort();
      await becomes("the call ends", () => underWay === 0);
      expect(loudLines()).to.deep.equal([]);
      expect((await claim({})).replayed, "the service goes on").to.equal(false);
      clients.close?.();
    });
  }

  describe("does not hide a bug", () => {
    for (const [name, clientsOf] of Object.entries(CLIENTS)) {
      it(`of a call and of a stream, when its caller waits and when it has left: ${name}`, async () => {
        const clients = clientsOf();
        const call = (options: CallOptions) => clients.campaigns.getCampaign({ campaignId: BUGGY }, options);
        const stream = async (options: CallOptions) => {
          for await (const _ of clients.campaigns.watchCampaign({ campaignId: BUGGY }, options));
        };
        for (const run of [call, stream]) {
          for (const leaves of [false, true]) {
            Object.assign(doors, { handler: closedDoor(), store: openDoor() });
            const leaving = new AbortController();
            const ended = run({ signal: leaving.signal }).then(
              () => "answered",
              (error: unknown) => Code[ConnectError.from(error).code],
            );
            await becomes("it comes to the handler", () => doors.handler.waiting === 1);
            if (leaves) {
              leaving.abort();
              expect(await ended).to.equal("Canceled");
            }
            doors.handler.open();
            expect(await ended).to.equal(leaves ? "Canceled" : "Internal");
            await becomes("the call ends", () => underWay === 0);
            await becomes("the bug is logged", () => lines.some((line) => line.includes("this is a bug")));
            const bugs = loudLines().filter((line) => line.includes('"level":"error"'));
            expect(bugs.length).to.equal(1);
            expect(bugs[0]).to.include("TypeError").and.include("a true bug");
          }
        }
        clients.close?.();
      });
    }
  });
});

function openDoor(): Door {
  return { waiting: 0, passed: Promise.resolve(), open: () => undefined };
}

function closedDoor(): Door {
  return { waiting: 0, ...gate() };
}
