import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { createHistoryWriter, type HistoryEntry, stamp } from "../../audit/history.ts";
import { until } from "../../local/poll.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { type Answer, answerOf, isUncertain } from "../support/answers.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { coupon, couponVerify } from "../support/coupon-verify.ts";
import { inParallel } from "../support/in-parallel.ts";
import { type OwnStack, startOwnStack } from "../support/own-stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const COUPONS = 60;
/** Issued before the backup, and from then until the disaster. */
const BEFORE = 20;
const SINCE = 30;
const AT_ONCE = 5;
const AN_HOUR_MS = 3_600_000;
const DIFFERS = "the pool does not agree with MongoDB: it is made again from there";

type RedisAfter = "goes on" | "comes back with its file" | "is lost";

describe("MongoDB restored from a backup, as docs/operations.md says", () => {
  let stack: OwnStack;
  let services: Services;
  let backups: ReturnType<typeof temporaryDir>;
  let running: Service[] = [];
  /** The servers that callers reach now. */
  let reached: readonly Clients[] = [];
  let users = 0;

  before(async () => {
    backups = temporaryDir();
    stack = await startOwnStack();
    services = createServices({ ...stack.env, LEASE_MS: "1000", SWEEP_AFTER_MS: "500" });
  });
  after(async () => {
    stack?.mongodb.resume();
    try {
      await services?.end();
    } finally {
      await stack?.close();
      backups?.remove();
    }
  });
  afterEach(killAll);

  const newUser = () => `${KEY_PREFIX}${users++}`;
  const url = () => running[0]?.url ?? "";
  const verify = (id: string, ...more: readonly string[]) => couponVerify(url(), id, ...more);

  /** All roles; with others beside it, servers alone. */
  async function startAll(): Promise<Clients> {
    running = await Promise.all([services.start(), services.start({ roles: "server" })]);
    reached = running.map(({ url }) => connectClients(url));
    return reached[0] as Clients;
  }

  async function killAll(): Promise<void> {
    reached = [];
    await Promise.all(running.map(({ process }) => process.kill()));
    running = [];
  }

  function folder(): string {
    const { dir } = stack.mongodb;
    if (dir === undefined) throw new Error("MongoDB has no folder");
    return dir;
  }

  function copyOfFolder(name: string): string {
    const copy = join(backups.path, name);
    cpSync(folder(), copy, { recursive: true });
    return copy;
  }

  /** The data folder of a MongoDB that runs, all files of one moment, as a snapshot of a volume has them. */
  function snapshot(name: string): string {
    stack.mongodb.pause();
    try {
      return copyOfFolder(name);
    } finally {
      stack.mongodb.resume();
    }
  }

  async function restore(copy: string): Promise<void> {
    rmSync(folder(), { recursive: true });
    cpSync(copy, folder(), { recursive: true });
    await stack.mongodb.start();
  }

  async function strikeRedis(after: RedisAfter): Promise<void> {
    if (after === "is lost") await stack.rawRedis.flushAll();
    if (after === "comes back with its file") {
      await stack.redis.kill();
      await stack.redis.start();
    }
  }

  /** Callers of one campaign, and what they were told. */
  function callersOf(campaignId: string) {
    const told = new Map<string, string>();
    const history: HistoryEntry[] = [];

    async function once(userId: string, turn: number): Promise<Answer | undefined> {
      const server = reached[turn % reached.length];
      if (server === undefined) return undefined;
      const [invoked, answer] = [
        stamp(),
        await answerOf(() => server.coupons.issueCoupon({ campaignId, userId })),
      ];
      const answered = stamp();
      const times = { invokedAtMs: invoked.atMs, answeredAtMs: answered.atMs };
      const order = { invokedOrder: invoked.order, answeredOrder: answered.order };
      history.push({ claimKey: userId, ...times, ...order, outcome: outcomeOf(answer) });
      return answer;
    }

    /** Asks the servers in turn until the answer is definite: the code, or the reason of the refusal. */
    async function ask(userId: string, first = 0): Promise<string> {
      let last: Answer | undefined;
      let turn = first;
      const definite = async () => {
        last = await once(userId, turn++);
        return last !== undefined && isDefinite(last);
      };
      if (!(await until(definite, HANG_MS, 20)) || last === undefined) throw new Error("no definite answer");
      return last.kind === "coupon" ? last.held.code : last.refused.reason;
    }

    return {
      told,
      ask,
      /** So many new users, each of whom must get a coupon. */
      async sell(count: number): Promise<void> {
        await inParallel(Array.from({ length: count }, newUser), AT_ONCE, async (userId, i) => {
          const code = await ask(userId, i);
          expect(code, "a code").to.match(/[가-힣]/);
          told.set(userId, code);
        });
      },
      /** How many codes were told to two users. */
      twice: () => told.size - new Set(told.values()).size,
      async written(): Promise<string> {
        const file = join(backups.path, `${campaignId}-${history.length}.jsonl`);
        const writer = createHistoryWriter(file);
        for (const entry of history) writer.write(entry);
        await writer.close();
        return file;
      },
    };
  }

  for (const after of ["goes on", "is lost"] as const) {
    it(`to the last write, while Redis ${after}: nothing is lost, and nothing wrong`, async () => {
      const id = await createOpenCampaign(await startAll(), { total: COUPONS });
      const callers = callersOf(id);
      const selling = callers.sell(COUPONS);
      selling.catch(() => undefined);
      expect(await until(() => callers.told.size >= BEFORE, HANG_MS, 1), "in mid-sale").to.equal(true);
      await stack.mongodb.kill();
      const volume = copyOfFolder(`last-write-${after}`);
      await killAll();
      expect(callers.told.size, "told when MongoDB died").to.be.lessThan(COUPONS);
      await strikeRedis(after);
      await restore(volume);
      await startAll();
      await selling;
      expect(await callers.ask(newUser())).to.equal("SOLD_OUT");
      expect(callers.twice()).to.equal(0);
      const verified = await verify(id, "--history", await callers.written());
      expect(verified.wrong, verified.stdout).to.deep.equal([]);
      expect(verified.stores.issued).to.equal(COUPONS);
    });
  }

  /** A half-sold campaign, a backup, more of it sold; and another one that only opens after the backup. */
  async function untilDisaster(name: string, after: RedisAfter) {
    const operator = await startAll();
    const id = await createOpenCampaign(operator, { total: COUPONS });
    const later = await createCampaign(operator, { total: COUPONS, startsAtMs: Date.now() + AN_HOUR_MS });
    await untilState(operator, later.id, "SCHEDULED");
    const [callers, laterCallers] = [callersOf(id), callersOf(later.id)];
    await callers.sell(BEFORE);
    const backedUp = [...callers.told.keys()];
    const copy = snapshot(name);
    await callers.sell(SINCE / 2);
    // A rebuild: the pool has a higher generation than the backup.
    await stack.rawRedis.flushAll();
    await callers.sell(SINCE / 2);
    await operator.campaigns.rescheduleCampaign({
      campaignId: later.id,
      startsAt: timestampFromMs(Date.now() - AN_HOUR_MS),
    });
    await laterCallers.sell(5);
    const { id: since } = await createCampaign(operator, { total: 5, startsAtMs: Date.now() + AN_HOUR_MS });
    await untilState(operator, since, "SCHEDULED");
    await killAll();
    await stack.mongodb.kill();
    await strikeRedis(after);
    const claimsInRedis = Object.entries(await stack.rawRedis.hGetAll(campaignKeys(id).claims));
    await restore(copy);
    return { id, later: later.id, since, callers, laterCallers, backedUp, claimsInRedis };
  }

  for (const after of ["goes on", "comes back with its file", "is lost"] as const) {
    it(`to an older instant, while Redis ${after}: after the steps no code goes out again`, async () => {
      const scene = await untilDisaster(`older-${after}`, after);
      const { id, later, since, callers, laterCallers, backedUp } = scene;
      const kept = scene.claimsInRedis.map(([user, claim]) => [user, claim.split(" ")[0]]);
      const expected = after === "is lost" ? [] : [...callers.told];
      expect(kept.toSorted(), "what Redis still has, before a server is started").to.deep.equal(
        expected.toSorted(),
      );

      // One server that no caller reaches.
      running = [await services.start({ roles: "server" })];
      const ended = await coupon(url(), "end", id, "--yes");
      expect([ended.code, ended.stderr]).to.deep.equal([0, ""]);
      const toEnd = await coupon(url(), "end", later, "--yes");
      if (after === "goes on") expect([toEnd.code, toEnd.stderr], "open in Redis").to.deep.equal([0, ""]);
      else {
        expect(toEnd.stderr, "scheduled on record").to.include("has not opened yet");
        expect((await coupon(url(), "cancel", later, "--yes")).code).to.equal(0);
      }
      expect((await coupon(url(), "get", since)).code, "made after the backup: gone").to.equal(4);
      await killAll();

      const operator = await startAll();
      const over = after === "goes on" ? "ENDED" : "CANCELLED";
      for (let i = 0; i < COUPONS; i++) expect(await callers.ask(newUser(), i)).to.equal("ENDED");
      expect(await laterCallers.ask(newUser())).to.equal(over);
      for (const [userId, code] of callers.told) {
        const still = after === "goes on" || backedUp.includes(userId);
        expect(await callers.ask(userId)).to.equal(still ? code : "ENDED");
      }
      const next = callersOf(await createOpenCampaign(operator, { total: SINCE }));
      await next.sell(SINCE);
      const all = [callers, laterCallers, next].flatMap(({ told }) => [...told.values()]);
      expect(new Set(all).size, "codes of all campaigns, each told to one user").to.equal(all.length);

      const verified = await verify(id);
      expect(verified.stores.issued).to.equal(BEFORE);
      const lacking = after === "goes on" ? [SINCE] : [];
      expect(verified.wrong, verified.stdout).to.deep.equal(lacking.map(() => "U5"));
      const books = verified.stores.checks.filter(({ violations }) => violations > 0);
      expect(books.map(({ violations }) => violations)).to.deep.equal(lacking);
    });
  }

  it("without the steps, where Redis is lost, codes go out again, and only callers' records show it", async () => {
    const { id, callers } = await untilDisaster("skipped-lost", "is lost");
    await startAll();
    await callers.sell(COUPONS - BEFORE);
    expect(callers.twice(), "codes told to two users").to.equal(SINCE);
    const stores = await verify(id);
    expect([stores.code, stores.wrong], "both stores agree").to.deep.equal([0, []]);
    const { code, wrong } = await verify(id, "--history", await callers.written());
    expect(wrong).to.include("U1");
    expect(code).to.equal(8);
  });

  it("without the steps, where Redis goes on, verify and an alarm tell before codes go out again", async () => {
    const { id, callers } = await untilDisaster("skipped-kept", "goes on");
    running = [await services.start({ roles: "server" })];
    const alone = await verify(id);
    expect(alone.wrong).to.deep.equal(["U5"]);
    expect(alone.stdout).to.include("has no issuance");
    await killAll();

    await startAll();
    await callers.sell(COUPONS - BEFORE - SINCE);
    expect(callers.twice(), "as long as the pool is that of before").to.equal(0);
    const alarm = (line: string) => line.includes(DIFFERS) && line.includes(id);
    expect(await until(() => services.lines.some(alarm), HANG_MS), "sold out in Redis only").to.equal(true);
    await callers.sell(SINCE);
    expect(callers.twice(), "codes told to two users").to.equal(SINCE);
  });
});

/** Not "uncertain", nor a connection that broke. */
function isDefinite(answer: Answer): boolean {
  return answer.kind === "coupon" || !(isUncertain(answer) || answer.refused.reason === "UNSPECIFIED");
}

function outcomeOf(answer: Answer): HistoryEntry["outcome"] {
  if (answer.kind === "coupon") return { kind: "issued", ...answer.held, replayed: answer.replayed };
  const { reason, message } = answer.refused;
  return !isDefinite(answer) ? { kind: "unknown", message } : { kind: "refused", reason };
}
