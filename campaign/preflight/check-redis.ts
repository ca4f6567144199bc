import type { Heard } from "../../pool/master-finder.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import type { Facts } from "./facts.ts";
import { amber, green, type Judged, red } from "./line.ts";
import { AWAIT_THE_MOVE, cannotAsk, howToRead, howToSet } from "./redis-advice.ts";

const SLOW_WRITE_MS = 100;
const MB = 1_048_576;
/**
 * What a claimed code adds to the memory of Redis: its entry in the claims and for a while one in the ledger.
 * Measured, see docs.
 */
const BYTES_A_CLAIM = 80 + 46;
/** A need of more than this share of the free memory is amber. */
const TIGHT = 0.8;

/**
 * No acknowledged coupon depends on the file of Redis: without it, the pool is rebuilt from MongoDB after
 * each restart.
 */
export function checkRedisDurability({ redis: { info, appendfsync } }: Facts): Judged {
  if (!info.ok) return cannotAsk("Redis does not report how it writes", info.why);
  const { aofEnabled, aofWriteOk } = info.value;
  if (aofEnabled === undefined)
    return amber(
      "Redis does not report whether it writes an append-only file",
      "ask its administrator; without one, the pool is made again from MongoDB after each restart",
    );
  if (!aofEnabled)
    return amber(
      "appendonly is no: a Redis that restarts comes back empty. Nothing acknowledged is lost, and no caller gets a coupon until the pool has been rebuilt from MongoDB",
      `${howToSet("appendonly", "yes", appendfsync)}; where it cannot be set, expect that pause after each restart`,
    );
  if (!aofWriteOk)
    return red(
      "the last write to the append-only file failed: Redis refuses writes until one succeeds",
      "see to the disk of Redis",
    );
  if (!appendfsync.ok)
    return amber(
      `appendonly yes; appendfsync cannot be read: ${appendfsync.why}`,
      howToRead("appendfsync", "always", appendfsync.why),
    );
  if (appendfsync.value !== "always")
    return amber(
      `appendonly yes, appendfsync ${appendfsync.value}: a Redis that restarts may lack its last claims. Nothing acknowledged is lost; a claim under way may come out with another code`,
      howToSet("appendfsync", "always", appendfsync),
    );
  return green("appendonly yes, appendfsync always");
}

export function checkRedisEviction({ redis: { info, appendfsync } }: Facts): Judged {
  if (!info.ok) return cannotAsk("Redis does not report what it evicts", info.why);
  const { maxmemoryPolicy } = info.value;
  if (maxmemoryPolicy === "noeviction") return green("maxmemory-policy noeviction");
  if (maxmemoryPolicy === "")
    return amber(
      "maxmemory-policy cannot be read",
      "see where its provider has the settings, or ask the administrator of this Redis, that it is noeviction",
    );
  const advice = howToSet("maxmemory-policy", "noeviction", appendfsync);
  if (maxmemoryPolicy.startsWith("volatile-"))
    return amber(
      `maxmemory-policy ${maxmemoryPolicy}: keys with a time to live are evicted; no key of a campaign has one`,
      advice,
    );
  return red(`maxmemory-policy ${maxmemoryPolicy}: a full Redis throws the pool away`, advice);
}

export function checkRedisRole({ redis: { info, sentinels } }: Facts): Judged {
  if (!info.ok) return cannotAsk("Redis does not report its role", info.why);
  const { engine, mode, role, replicas, version } = info.value;
  if (mode === "sentinel")
    return red(
      `a Sentinel of version ${version}, which has no data and takes no claims`,
      "give redis+sentinel:// in REDIS_URL, with the Sentinels and the name by which they know the master",
    );
  if (role === "")
    return amber(
      `${engine} ${version} does not report its role`,
      "ask its administrator whether it is a master",
    );
  const what = `${engine} ${version}, role ${role}, ${counted(replicas, "replica")}`;
  if (role !== "master") return red(what, "give the address of the master in REDIS_URL");
  return sentinels === undefined ? green(what) : withSentinels(what, sentinels);
}

/** The campaign opens without them. With half of them away no failover comes, which needs a majority. */
function withSentinels(what: string, { sentinels, answering, why }: Heard): Judged {
  const finding = `${what}; ${answering} of ${counted(sentinels, "Sentinel")} answer`;
  if (answering < sentinels)
    return amber(
      `${finding}${answering * 2 > sentinels ? "" : ", and no failover comes without a majority"}: ${why}`,
      "see to the Sentinels that do not answer, or take those that are no more out of REDIS_URL",
    );
  if (sentinels > 2) return green(finding);
  return amber(
    `${finding}: where one fails, no failover comes`,
    "run three Sentinels on three machines, and list all of them in REDIS_URL",
  );
}

export function checkRedisSlot({ redis: { slot } }: Facts): Judged {
  if (!slot.ok) {
    const judged = cannotAsk(
      "it cannot be read whether the slot of the campaign is on its way to another node",
      slot.why,
    );
    return { ...judged, colour: "amber" };
  }
  if (slot.value === undefined) return green("one server, no cluster: nothing moves");
  const { slot: number, moving } = slot.value;
  if (moving === undefined) return green(`slot ${number} of the cluster, at rest`);
  return amber(
    `slot ${number} of the cluster is on its way from one node to another (${moving}): a campaign does not open meanwhile, and when it has moved its pool is made again`,
    AWAIT_THE_MOVE,
  );
}

export function checkRedisWrite({ redis: { write } }: Facts): Judged {
  if (!write.ok) {
    const judged = cannotAsk("Redis does not take a write", write.why);
    if (judged.colour !== "red" || /^(NOPERM|NOAUTH|WRONGPASS)\b/.test(write.why)) return judged;
    return { ...judged, advice: "see to Redis: its memory, disk and role" };
  }
  const finding = `a write took ${write.value.toFixed(1)} ms`;
  if (write.value <= SLOW_WRITE_MS) return green(finding);
  return amber(finding, `more than ${SLOW_WRITE_MS} ms: see to the disk of Redis and the network`);
}

export function checkRedisMemory({ campaign, pool, redis: { info } }: Facts): Judged {
  if (!info.ok) return cannotAsk("Redis does not report its memory", info.why);
  const { maxmemoryBytes, usedBytes, systemBytes } = info.value;
  const claims = pool.ok ? pool.value.claims : 0;
  const wanted = (campaign.total - claims) * BYTES_A_CLAIM;
  const mb = (bytes: number) => `${grouped(Math.round(bytes / MB))} MB`;
  const need = `claims and ledger of this campaign need about ${mb(wanted)}`;
  const more =
    "give Redis more memory (maxmemory, of a managed one a larger instance), or remove what else it holds";
  const unread = (what: string) =>
    amber(`${need}; Redis does not report ${what}`, "ask its administrator whether it has room for that");
  if (maxmemoryBytes === undefined || usedBytes === undefined) return unread("what memory it has and uses");
  if (maxmemoryBytes > 0) {
    const free = maxmemoryBytes - usedBytes;
    const finding = `${need}; ${mb(Math.max(0, free))} of ${mb(maxmemoryBytes)} are free`;
    if (wanted >= free) return red(finding, more);
    return wanted > free * TIGHT ? amber(finding, more) : green(finding);
  }
  if (systemBytes === undefined) return unread("what memory its machine has, and maxmemory is not set");
  const left = systemBytes - usedBytes;
  const finding = `${need}; maxmemory is not set, the machine has ${mb(systemBytes)}, Redis uses ${mb(usedBytes)}`;
  return wanted > left * TIGHT
    ? amber(finding, "see that the machine has room for it, or use a bigger one")
    : green(finding);
}
