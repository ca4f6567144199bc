import { counted, grouped, isOrAre } from "../../runtime/counting.ts";
import { alive } from "./check-processes.ts";
import type { Facts, PoolFacts } from "./facts.ts";
import { amber, green, type Judged, red } from "./line.ts";
import { cannotAsk } from "./redis-advice.ts";

const LOAD_AGAIN =
  "a scheduler or the first claim makes the pool again from MongoDB by itself; if this stays, read the log of the scheduler";

/** The line for a pool that cannot be checked; undefined: the pool exists and answers. */
function unusable({ pool, campaign, processes }: Facts): Judged | undefined {
  if (!pool.ok) return cannotAsk("the pool cannot be read", pool.why);
  if (pool.value.status === "ok") return undefined;
  if (pool.value.status === "none") {
    // GENERATING lasts until the pool is loaded, which comes after the last code is made.
    if (campaign.state !== "GENERATING") return red("there is no pool in this Redis", LOAD_AGAIN);
    return processes.ok && alive(processes.value, "generator").length === 0
      ? red(
          "there is no pool yet, and no generator sends heartbeats",
          "start a process with the generator role",
        )
      : amber("there is no pool yet: the codes are still being made or loaded", "wait and look again");
  }
  if (pool.value.status === "frozen")
    return amber("a change of the campaign is being decided at this moment", "look again in a few seconds");
  return red(
    "the pool was loaded into another Redis process or dataset, and the scripts refuse it",
    LOAD_AGAIN,
  );
}

/** A pool opens and ends by its own instants: the line for one that differs from the document. */
function strayedFrom(campaign: Facts["campaign"], pool: PoolFacts): Judged | undefined {
  const instant = (ms: number) => (ms === 0 ? "never" : new Date(ms).toISOString());
  const endsAtMs = campaign.endsAtMs ?? 0;
  if (pool.armedAtMs === 0 && pool.startsAtMs !== campaign.startsAtMs)
    return red(
      `the pool opens at ${instant(pool.startsAtMs)}, the campaign at ${instant(campaign.startsAtMs)}`,
      LOAD_AGAIN,
    );
  if (pool.endsAtMs !== endsAtMs)
    return red(
      `the pool ends at ${instant(pool.endsAtMs)}, the campaign at ${instant(endsAtMs)}`,
      LOAD_AGAIN,
    );
  return undefined;
}

export function checkPool(facts: Facts): Judged {
  const { pool, campaign, issued } = facts;
  const trouble = unusable(facts);
  if (trouble !== undefined || !pool.ok) return trouble ?? red("no pool", LOAD_AGAIN);
  const strayed = strayedFrom(campaign, pool.value);
  if (strayed !== undefined) return strayed;
  if (!issued.ok) return red(`the issuances cannot be counted: ${issued.why}`, "see that MongoDB answers");
  const { codes, claims, ledger } = pool.value;
  const { total } = campaign;
  const told = `${counted(codes, "code")} in the pool, ${grouped(claims)} claimed, ${grouped(issued.value)} issued, of ${grouped(total)}`;
  const missing = total - codes - claims;
  if (missing > 0) return red(`${counted(missing, "code")} ${isOrAre(missing)} missing: ${told}`, LOAD_AGAIN);
  if (missing < 0) return red(`${counted(-missing, "code")} too many: ${told}`, LOAD_AGAIN);
  if (claims - ledger === issued.value) return green(told);
  const moving = pool.value.armedAtMs > 0;
  if (moving) return amber(`pool and MongoDB were counted while it moves: ${told}`, "look again at rest");
  return red(`pool and MongoDB do not agree: ${told}`, LOAD_AGAIN);
}

export function checkFence(facts: Facts): Judged {
  return unusable(facts) ?? green("the pool was loaded into the Redis process and dataset that run now");
}

export function checkGeneration(facts: Facts): Judged {
  const { pool, campaign } = facts;
  const trouble = unusable(facts);
  if (trouble !== undefined || !pool.ok) return trouble ?? red("no pool", LOAD_AGAIN);
  const { generation } = pool.value;
  const told = `pool ${generation}, swapped in ${campaign.loadedGeneration}, handed out ${campaign.generation}`;
  if (generation < campaign.loadedGeneration)
    return red(`this pool has been replaced since, an old Redis came back: ${told}`, LOAD_AGAIN);
  if (generation !== campaign.generation || generation !== campaign.loadedGeneration)
    return amber(
      `a load or a change is under way, or one was not finished: ${told}`,
      "look again in a few seconds",
    );
  return green(`pool and record are both of generation ${generation}`);
}

export function checkLedger({ pool }: Facts): Judged {
  if (!pool.ok) return cannotAsk("the ledger cannot be read", pool.why);
  const { ledger, armedAtMs } = pool.value;
  if (ledger === 0) return green("no claim waits to be made durable");
  const finding = `${counted(ledger, "claim")} ${ledger === 1 ? "waits" : "wait"} to be made durable`;
  if (armedAtMs > 0) return green(`${finding}, as they do during a sale`);
  return red(`${finding} before the start`, "a server finishes them in a second; if they stay, read its log");
}
