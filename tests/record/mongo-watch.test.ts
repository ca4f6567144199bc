import { once } from "node:events";
import { expect } from "chai";
import { MongoClient, MongoNetworkError } from "mongodb";
import { until } from "../../local/poll.ts";
import { type MongoWatch, watchMongo } from "../../record/mongo-watch.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/logger.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { OWN_DATABASE, type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";

/** Parts inside the driver: the test brings about what a closing socket does by chance. */
type Connection = { command(): Promise<never>; exhaustCommand(): void; closed: boolean };
type Server = { monitor: { connection: Connection | null }; handleError(error: Error): void };
type Inner = { topology: { s: { servers: Map<string, Server> } } };

describe("a MongoDB driver that is stuck", () => {
  let stack: OwnStack;
  let client: MongoClient;
  let watch: MongoWatch | undefined;
  let lines: string[];

  before(async () => {
    stack = await startOwnStack();
  });
  after(() => stack.close());

  beforeEach(async () => {
    lines = [];
    client = new MongoClient(stack.env["MONGODB_URL"] ?? "", {
      serverSelectionTimeoutMS: 500,
      connectTimeoutMS: 2_000,
      heartbeatFrequencyMS: 500,
      waitQueueTimeoutMS: 500,
      maxPoolSize: 2,
    });
    // On a busy machine the first connection may take longer than an operation waits for one.
    expect(await until(inserts, HANG_MS, 20), "connected").to.equal(true);
  });
  afterEach(async () => {
    await watch?.close();
    watch = undefined;
    await client.close();
  });

  function watched(clock: Clock = systemClock): void {
    const destination = { write: (line: string) => void lines.push(line) };
    watch = watchMongo({
      client,
      clock,
      logger: createLogger({ level: "info", format: "json", destination }),
    });
  }

  const insert = () => client.db(OWN_DATABASE).collection("watched").insertOne({ at: new Date() });
  const inserts = () =>
    insert().then(
      () => true,
      () => false,
    );

  /**
   * An operation fails, which makes the server unknown; but the heartbeat that is under way never ends, as
   * where its socket closes while the command is written.
   */
  async function sticks(): Promise<void> {
    const [server] = (client as unknown as Inner).topology.s.servers.values();
    expect(await until(() => server?.monitor.connection?.closed === false, HANG_MS, 5)).to.equal(true);
    const connection = server?.monitor.connection;
    if (connection === undefined || connection === null) throw new Error("no monitor");
    let asked = false;
    connection.command = () => {
      asked = true;
      return new Promise<never>(() => undefined);
    };
    connection.exhaustCommand = () => {
      asked = true;
    };
    expect(await until(() => asked, HANG_MS, 5), "a heartbeat was sent").to.equal(true);
    server?.handleError(new MongoNetworkError("read ECONNRESET"));
  }

  it("by a heartbeat that never ends, is connected again after MongoDB has been restarted", async () => {
    watched();
    await insert();
    await sticks();
    await stack.mongodb.kill();
    expect(await until(async () => !(await inserts()), HANG_MS, 20), "MongoDB is away").to.equal(true);
    await stack.mongodb.start();
    expect(await until(inserts, HANG_MS, 100), "an insert after the restart").to.equal(true);
    expect(lines.filter((line) => line.includes("the MongoDB driver is stuck"))).to.have.length(1);
    expect(lines.filter((line) => line.includes("a heartbeat does not end"))).to.have.length(1);
  });

  it("by operations that never end, has a new pool of connections", async () => {
    watched();
    await insert();
    const [server] = (client as unknown as Inner).topology.s.servers.values();
    const { pool } = server as unknown as { pool: { checkOut(options: object): Promise<unknown> } };
    const timeoutContext = { connectionCheckoutTimeout: undefined, clearConnectionCheckoutTimeout: false };
    await Promise.all([1, 2].map(() => pool.checkOut({ timeoutContext })));
    expect(await inserts(), "no connection is left").to.equal(false);
    expect(await until(inserts, HANG_MS, 100), "an insert over a new pool").to.equal(true);
    expect(lines.filter((line) => line.includes("no connection returns to the pool"))).to.have.length(1);
  });

  it("no more than any other, is left alone while MongoDB is away", async () => {
    const clock = fakeClock();
    watched(clock);
    await insert();
    await stack.mongodb.kill();
    expect(await until(async () => !(await inserts()), HANG_MS, 20)).to.equal(true);
    // Twenty seconds on the clock of the watch, in which each heartbeat fails, and so ends.
    for (let seconds = 0; seconds < 20; seconds++) {
      await once(client, "serverHeartbeatFailed");
      clock.pass(1_000);
    }
    await stack.mongodb.start();
    expect(await until(inserts, HANG_MS, 100)).to.equal(true);
    expect(lines).to.deep.equal([]);
  });
});
