import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import type { Ground } from "../ground.ts";
import { changeTwice, EXIT, type Launch, mustHear, untilState } from "./launch.ts";
import { openMasters } from "./redis-masters.ts";
import { jsonOf, must, mustCome, mustExit } from "./stage.ts";

type Preflight = {
  readonly colour: string;
  readonly lines: readonly {
    readonly check: string;
    readonly colour: string;
    readonly finding: string;
    readonly advice?: string;
  }[];
};

const RED = "PREFLIGHT_COLOUR_RED";
const AMBER = "PREFLIGHT_COLOUR_AMBER";
const GREEN = "PREFLIGHT_COLOUR_GREEN";
/** The check that is always amber here: the local stack's MongoDB is a single server. */
const ALONE = "mongodb-members";
/** A small rehearsal, because the crowd loads the machine meanwhile. */
const REHEARSAL = ["--total", "500", "--users", "600", "--rate", "200", "--in", "12"];
const COLLECTIONS = ["campaigns", "coupons", "issuances", "history"] as const;
const SETTLED_WITHIN_MS = 120_000;
/**
 * The start is moved to at least so long after the command that moves it, because the scheduler's last
 * preflight is ten seconds before the start.
 */
const LEAD_SECONDS = 14;
/**
 * A small share of buyers, so that the sale lasts for minutes, even if a busy machine is slow with each
 * command.
 */
const TRICKLING = 0.01;
const PREFLIGHT_LOGGED = /preflight/i;

/** From the first preflight to the opening. */
export async function beforeTheStart(launch: Launch): Promise<void> {
  const { stage, coupon, crowd, campaignId, ground, signal } = launch;
  const redis = await openMasters(ground.stack.redis.url);
  try {
    await stage.step("preflight, Redis evicts", async () => {
      await redis.configSet("maxmemory-policy", "allkeys-lru");
      const { colour, lines } = jsonOf<Preflight>(
        mustExit(await coupon(["preflight", campaignId]), EXIT.red),
      );
      const wrong = lines.filter((line) => line.colour === RED);
      must(colour === RED && wrong.length === 1, `red are: ${wrong.map(({ check }) => check).join(", ")}`);
      const [line] = wrong;
      must(line?.check === "redis-eviction", `${line?.check} is red instead of redis-eviction`);
      must((line.advice ?? "") !== "", "it does not say what to do");
      return `red: ${line.check}, and what to do about it`;
    });
    await stage.step("preflight, it no longer does", async () => {
      await redis.configSet("maxmemory-policy", "noeviction");
      const told = await coupon(["preflight", campaignId]);
      const { colour, lines } = jsonOf<Preflight>(told);
      const others = lines
        .filter((one) => one.colour !== GREEN && one.check !== ALONE)
        .map(({ check, finding }) => `${check}: ${finding}`);
      must(colour === AMBER && others.length === 0, `not green: ${others.join("; ")}`);
      mustExit(told, EXIT.amber);
      return `green: ${lines.length - 1} lines; amber: ${ALONE}, as of every local stack`;
    });
  } finally {
    redis.destroy();
  }

  await stage.step("rehearse", async () => {
    const before = await tracesIn(ground);
    const rehearsed = await coupon(["rehearse", campaignId, ...REHEARSAL]);
    mustExit(rehearsed, EXIT.ok);
    const after = await tracesIn(ground);
    must(before === after, `something is left of it: before ${before}, after ${after}`);
    const real = crowd.between(rehearsed.startedAtMs, rehearsed.endedAtMs);
    return `on a shadow, of which nothing is left; meanwhile ${mustHear(real, { each: ["NOT_STARTED"] })}`;
  });

  let startsAtMs = 0;
  await stage.step("reschedule", async () => {
    const later = ["reschedule", campaignId, "--start"];
    const tried = mustExit(await coupon([...later, "+1h", "--dry-run"]), EXIT.ok);
    must((await untilState(launch, "SCHEDULED")) === 0, "something was issued");
    // Two commands run before the start, and a busy machine may take long for each.
    const leadMs = LEAD_SECONDS * 1_000 + 4 * (tried.endedAtMs - tried.startedAtMs);
    startsAtMs = Math.ceil((Date.now() + leadMs) / 1_000) * 1_000;
    await changeTwice(launch, [...later, new Date(startsAtMs).toISOString()], "SCHEDULED");
    return `to ${new Date(startsAtMs).toISOString()}`;
  });

  await stage.step("open", async () => {
    // Set before the instant, so that coupons are left until the step of the sale that sells them out.
    crowd.setAppetite(TRICKLING);
    await sleep(Math.max(0, startsAtMs - Date.now()), undefined, { signal });
    const anybody = () => crowd.history.some(({ outcome }) => outcome.kind === "issued");
    await mustCome("the first coupon", anybody, SETTLED_WITHIN_MS, signal);
    await untilState(launch, "OPEN");
    const first = crowd.history.find(({ outcome }) => outcome.kind === "issued");
    must(first !== undefined && first.answeredAtMs >= startsAtMs, "a coupon was issued before the start");
    const early = crowd.between(0, startsAtMs - 1);
    const words = mustHear(early, { each: ["NOT_STARTED"] });
    const lines = ground.servers.flatMap((server) => server.lines);
    const logged = lines.some((line) => PREFLIGHT_LOGGED.test(line) && line.includes(campaignId));
    must(logged, "no scheduler's log tells of a preflight of its own");
    return `first coupon ${first.answeredAtMs - startsAtMs} ms after the instant; before it ${words}`;
  });
}

/**
 * The content of both stores: the names of Redis' keys, and the number of documents in each collection of
 * campaigns.
 */
async function tracesIn({ stack, database }: Ground): Promise<string> {
  const redis = await openMasters(stack.redis.url);
  const mongo = new MongoClient(stack.mongodb.url);
  try {
    const keys = (await redis.keys()).join(" ");
    const db = mongo.db(database);
    const counted = COLLECTIONS.map(async (name) => `${name} ${await db.collection(name).countDocuments()}`);
    return `${keys}; ${(await Promise.all(counted)).join(", ")}`;
  } finally {
    redis.destroy();
    await mongo.close();
  }
}
