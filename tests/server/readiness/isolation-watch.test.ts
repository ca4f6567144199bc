import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import type { SeenServer } from "../../../record/processes.ts";
import { createIsolationWatch, LOOK_EVERY_MS } from "../../../server/readiness/isolation-watch.ts";
import { PEERS_ASKED_MAX, type Serving } from "../../../server/readiness/peers.ts";
import type { StoreName } from "../../../server/readiness/store-reach.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { HANG_MS } from "../../support/patience.ts";
import { silentLogger } from "../../support/shared-stores.ts";

const PUBLIC: Serving = { parts: ["public"], pages: ["http://10.0.0.1:8090"] };
const CLOCK = { offsetMs: 0, uncertaintyMs: 1 };

/** The heartbeat of another server that is ready, on another machine, and reaches both stores. */
function peer(given: Partial<SeenServer> = {}): SeenServer {
  return {
    ...{ _id: "other", host: "b", ageMs: 500, redisClock: CLOCK },
    serving: { parts: ["public", "operators"], pages: ["http://10.0.0.2:8090"] },
    ...given,
  };
}

describe("the watch of a server's isolation", () => {
  let clock: FakeClock;
  let lost: StoreName[];
  let seen: SeenServer[];
  let reads: number;
  let asked: string[];
  /** The pages that tell that their server reaches both stores. */
  let telling: string[];
  let isIsolated: boolean;
  let stop: () => void;

  beforeEach(() => {
    clock = fakeClock();
    [lost, seen, asked, telling, reads, isIsolated] = [[], [peer()], [], [], 0, false];
    const watch = createIsolationWatch({
      processes: {
        servers: async () => {
          reads += 1;
          if (lost.includes("mongodb")) throw new Error("MongoDB is away");
          return seen;
        },
      },
      reach: { lostMs: (store) => (lost.includes(store) ? 5_000 : undefined) },
      askPage: async (page) => {
        asked.push(page);
        return telling.includes(page);
      },
      self: { owner: "self", host: "a", serving: PUBLIC },
      ...{ clock, logger: silentLogger },
      judged(is) {
        isIsolated = is;
      },
    });
    stop = watch.stop;
    watch.start();
  });
  afterEach(() => stop());

  async function look(times = 1): Promise<boolean> {
    for (let i = 0; i < times; i++) {
      const rests = () => clock.waiting().length === 1 && clock.waiting()[0] === LOOK_EVERY_MS;
      expect(await until(rests, HANG_MS, 1)).to.equal(true);
      clock.pass(LOOK_EVERY_MS);
    }
    expect(await until(() => clock.waiting()[0] === LOOK_EVERY_MS, HANG_MS, 1)).to.equal(true);
    return isIsolated;
  }
  /** Long enough for any judgement. */
  const LONG = 10;

  const CASES: readonly [what: string, lost: StoreName[], seen: Partial<SeenServer>, isolated: boolean][] = [
    ["it reaches both", [], {}, false],
    ["no Redis, and another server reaches both", ["redis"], {}, true],
    ["no Redis, and the other has none either", ["redis"], { redisClock: undefined as never }, false],
    ["no Redis, and the other's heartbeat is old", ["redis"], { ageMs: 3_001 }, false],
    ["no Redis, and the other is not ready", ["redis"], { serving: undefined as never }, false],
    [
      "no Redis, and the other serves operators alone",
      ["redis"],
      { serving: { parts: ["operators"], pages: [] } },
      false,
    ],
    ["no Redis, and the heartbeat is its own", ["redis"], { _id: "self" }, false],
  ];
  for (const [what, without, other, expected] of CASES)
    it(`${what}: ${expected ? "isolated" : "ready"}`, async () => {
      seen = [peer(other)];
      lost = without;
      expect(await look(LONG)).to.equal(expected);
      expect(asked).to.deep.equal([]);
    });

  for (const without of [["mongodb"], ["redis", "mongodb"]] as const)
    it(`without ${without.join(" and ")} it asks the pages of those that it knew`, async () => {
      await look();
      lost = [...without];
      expect(await look(LONG), "no page tells so").to.equal(false);
      telling = ["http://10.0.0.2:8090"];
      expect(await look(LONG)).to.equal(true);
      telling = [];
      expect(await look(4), "all see the same").to.equal(false);
      expect(new Set(asked)).to.deep.equal(new Set(["http://10.0.0.2:8090"]));
    });

  it("where it knows nobody, or pages of another machine's loopback and of its own alone, it stays", async () => {
    const pages = ["http://127.0.0.1:8090", "http://10.0.0.1:8090", "https://10.0.0.3:8090", "none"];
    seen = [peer({ serving: { parts: ["public"], pages } })];
    await look(LONG);
    lost = ["mongodb"];
    expect(await look(LONG)).to.equal(false);
    expect(asked).to.deep.equal([]);
    lost = [];
    seen = [peer({ host: "a", serving: { parts: ["public"], pages } })];
    await look(LONG);
    lost = ["mongodb"];
    await look();
    expect(asked).to.deep.equal(["http://127.0.0.1:8090"]);
  });

  it("asks a few at a time, all in turn, and goes on asking the one that told", async () => {
    const pages = Array.from({ length: 12 }, (_, i) => `http://10.0.1.${i}:8090`);
    seen = pages.map((page, i) => peer({ _id: `p${i}`, serving: { parts: ["public"], pages: [page] } }));
    await look(LONG);
    lost = ["mongodb"];
    for (let i = 0; i < 3; i++) await look();
    expect(asked).to.have.length(3 * PEERS_ASKED_MAX);
    expect(new Set(asked).size).to.equal(12);
    telling = [pages[7] ?? ""];
    expect(await look(LONG + 3)).to.equal(true);
  });

  it("reads the heartbeats once in five looks while it reaches both stores", async () => {
    await look(10);
    expect(reads).to.equal(3);
  });

  it("a store that blinks for all takes no server out, though the others' heartbeats lag behind", async () => {
    await look();
    lost = ["redis"];
    await look(4);
    seen = [peer({ redisClock: undefined as never })];
    expect(await look(LONG)).to.equal(false);
    // It is back: the other has found it before this one.
    seen = [peer()];
    await look(4);
    lost = [];
    expect(await look(LONG)).to.equal(false);
  });
});
