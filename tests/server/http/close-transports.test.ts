import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { Ending } from "../../../runtime/lifecycle.ts";
import { createCloseTransports, IDLE_CHANCE_MS } from "../../../server/http/close-transports.ts";
import { prepareHttp2Drain, prepareHttpDrain } from "../../../server/http/drain.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { issuedCampaign } from "../../support/issued-campaign.ts";
import { type KeptConnection, keepConnection } from "../../support/kept-connection.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import { gate, openSale, type Sale } from "../../support/open-sale.ts";
import { HANG_MS } from "../../support/patience.ts";
import { silentLogger } from "../../support/shared-stores.ts";
import { withStores } from "../../support/with-stores.ts";

const DELAY_MS = 5_000;
const PATIENCE_MS = 30_000;

describe("the doors of a server that ends", () => {
  const stores = withStores();
  let sale: Sale;
  let issued: string;
  /** The clock of the shutdown only: calls are served by the real clock. */
  let clock: FakeClock;
  let app: OpenApp;
  let kept: KeptConnection[];
  let closeDoors: (ending: Ending) => Promise<void>;
  /** The door at which claims wait. */
  let door: { readonly passed: Promise<void>; open(): void };
  let claims = 0;
  let users = 0;

  before(async () => {
    issued = await issuedCampaign(stores, 3);
    sale = await openSale(stores, { total: 100 });
  });

  beforeEach(async () => {
    kept = [];
    clock = fakeClock();
    door = gate();
    door.open();
    const [stopping, draining] = [new AbortController(), new AbortController()];
    app = await openApp(stores, {
      ...{ clock: systemClock, stopping: stopping.signal, draining: draining.signal },
      async issueCoupon({ userId }) {
        claims++;
        await door.passed;
        return sale.issue(userId);
      },
    });
    const { http, inFlight, grpc, grpcSessions } = app.app;
    closeDoors = createCloseTransports({
      ...{ stopping, draining, clock, logger: silentLogger, isServing: () => true },
      drains: [prepareHttpDrain(http, inFlight, clock), prepareHttp2Drain(grpc, grpcSessions, clock)],
      ...{ delayMs: DELAY_MS, patienceMs: PATIENCE_MS },
    });
  });

  afterEach(async () => {
    door.open();
    for (const connection of kept) connection.close();
    await app.close();
  });

  async function keep(): Promise<KeptConnection> {
    const connection = await keepConnection(app.port);
    kept.push(connection);
    return connection;
  }

  const claim = (connection: KeptConnection) =>
    connection.ask("/coupon.v1.CouponService/IssueCoupon", {
      campaignId: sale.campaign._id,
      userId: `user-${users++}`,
    });
  /** By the part that answers: the fast path, the framework, the pages. */
  const requests: Readonly<Record<string, (connection: KeptConnection) => ReturnType<typeof claim>>> = {
    "a claim": claim,
    "a call": (connection) =>
      connection.ask("/coupon.v1.CampaignService/GetCampaign", { campaignId: issued }),
    "a page": (connection) => connection.ask("/healthz"),
  };

  async function becomes(what: string, condition: () => boolean): Promise<void> {
    expect(await until(condition, HANG_MS, 2), what).to.equal(true);
  }

  /** Begins the shutdown as SIGTERM does, and waits until the drain begins. */
  async function untilDrains(ending: Ending = { hurried: false }): Promise<{ closed: Promise<void> }> {
    const closed = closeDoors(ending);
    if (!ending.hurried) clock.pass(DELAY_MS);
    await becomes("both doors are closed", () => !app.app.http.listening && !app.app.grpc.listening);
    return { closed };
  }

  it("in the delay nothing changes but /readyz: new and kept connections are served, and kept on", async () => {
    const before = await keep();
    expect((await before.ask("/readyz")).status).to.equal(200);
    const closed = closeDoors({ hurried: false });
    clock.pass(DELAY_MS - 1);
    for (const connection of [before, await keep()]) {
      const { status, body } = await connection.ask("/readyz");
      expect([status, JSON.parse(body)]).to.deep.equal([503, { status: "draining" }]);
      for (const [name, ask] of Object.entries(requests)) {
        const answer = await ask(connection);
        expect([answer.status, answer.connection], name).to.deep.equal([200, "keep-alive"]);
      }
      expect(connection.ended()).to.equal(false);
    }
    clock.pass(1);
    await becomes("the doors close when the delay is over", () => !app.app.http.listening);
    clock.pass(IDLE_CHANCE_MS);
    await closed;
  });

  for (const [name, ask] of Object.entries(requests)) {
    it(`${name} on a kept connection after the delay is answered, told to be the last, and the connection ends`, async () => {
      const connection = await keep();
      await ask(connection);
      const { closed } = await untilDrains();
      const { status, connection: told } = await ask(connection);
      expect([status, told]).to.deep.equal([200, "close"]);
      await becomes("the connection ends", connection.ended);
      await closed;
    });
  }

  it("idle connections are kept for the chance of one more request, and no longer; who never said a word, too", async () => {
    const idle = [await keep(), await keep()];
    await claim(idle[0] as KeptConnection);
    const { closed } = await untilDrains();
    clock.pass(IDLE_CHANCE_MS - 1);
    expect(await app.connections()).to.equal(2);
    clock.pass(1);
    await becomes("they are closed", () => idle.every(({ ended }) => ended()));
    await closed;
  });

  it("a claim under way outlives delay and chance, and its answer is the last", async () => {
    const connection = await keep();
    await claim(connection);
    door = gate();
    claims = 0;
    const answer = claim(connection);
    await becomes("it is under way", () => claims === 1);
    const { closed } = await untilDrains();
    clock.pass(IDLE_CHANCE_MS);
    door.open();
    const { status, connection: told } = await answer;
    expect([status, told]).to.deep.equal([200, "close"]);
    await closed;
  });

  it("what is not answered in time is cut", async () => {
    const connection = await keep();
    door = gate();
    claims = 0;
    const answer = claim(connection).catch((error: Error) => error.message);
    await becomes("it is under way", () => claims === 1);
    const { closed } = await untilDrains();
    clock.pass(PATIENCE_MS);
    expect(await answer).to.include("ended without an answer");
    await closed;
  });

  it("a new connection is refused once the delay is over", async () => {
    const { closed } = await untilDrains();
    const refused = await keepConnection(app.port).catch((error: Error) => error.message);
    expect(refused).to.include("ECONNREFUSED");
    await closed;
  });

  it("a person who waits (Ctrl-C) waits for neither delay nor chance, only for what is under way", async () => {
    const [idle, busy] = [await keep(), await keep()];
    await claim(idle);
    door = gate();
    claims = 0;
    const answer = claim(busy);
    await becomes("it is under way", () => claims === 1);
    const { closed } = await untilDrains({ hurried: true });
    clock.pass(0);
    await becomes("the idle one is closed", idle.ended);
    expect(busy.ended()).to.equal(false);
    door.open();
    expect((await answer).connection).to.equal("close");
    await closed;
  });
});
