import type { Facts } from "./facts.ts";
import { amber, green, grouped, type Judged, red } from "./line.ts";

const ASK_REDIS = "see that Redis answers and look again";
const SLOW_WRITE_MS = 100;
const MB = 1_048_576;
/** What a code that is claimed adds to Redis: its entry in the claims and for a while one in the ledger. Measured, see docs. */
const BYTES_A_CLAIM = 80 + 46;
/** More than this share of what is free is tight. */
const TIGHT = 0.8;

export function checkRedisDurability({ redis: { info, appendfsync } }: Facts): Judged {
  if (!info.ok) return red(`Redis does not say how it writes: ${info.why}`, ASK_REDIS);
  const { aofEnabled, aofWriteOk } = info.value;
  if (!aofEnabled)
    return red(
      "appendonly is no: a Redis that restarts comes back empty",
      "CONFIG SET appendonly yes, and write it into its configuration",
    );
  if (!aofWriteOk) return red("the last write to the append-only file failed", "see to the disk of Redis");
  if (!appendfsync.ok)
    return amber(
      `appendonly yes; appendfsync cannot be read: ${appendfsync.why}`,
      "find out from whoever runs this Redis that it is always",
    );
  if (appendfsync.value !== "always")
    return red(
      `appendonly yes, appendfsync ${appendfsync.value}: claims of the last second can be forgotten, and each such loss is a rebuild`,
      "CONFIG SET appendfsync always, and write it into its configuration",
    );
  return green("appendonly yes, appendfsync always");
}

export function checkRedisEviction({ redis: { info } }: Facts): Judged {
  if (!info.ok) return red(`Redis does not say what it evicts: ${info.why}`, ASK_REDIS);
  const { maxmemoryPolicy } = info.value;
  if (maxmemoryPolicy === "noeviction") return green("maxmemory-policy noeviction");
  if (maxmemoryPolicy === "")
    return amber(
      "maxmemory-policy cannot be read",
      "find out from whoever runs this Redis that it is noeviction",
    );
  return red(
    `maxmemory-policy ${maxmemoryPolicy}: a full Redis throws the pool away`,
    "CONFIG SET maxmemory-policy noeviction, and write it into its configuration",
  );
}

export function checkRedisRole({ redis: { info } }: Facts): Judged {
  if (!info.ok) return red(`Redis does not say its role: ${info.why}`, ASK_REDIS);
  const { role, replicas, version } = info.value;
  const what = `Redis ${version}, role ${role}, ${replicas} replica${replicas === 1 ? "" : "s"}`;
  return role === "master" ? green(what) : red(what, "give the address of the master in REDIS_URL");
}

export function checkRedisWrite({ redis: { write } }: Facts): Judged {
  if (!write.ok)
    return red(`Redis does not take a write: ${write.why}`, "see to Redis: its memory, disk and role");
  const finding = `a write took ${write.value.toFixed(1)} ms`;
  if (write.value <= SLOW_WRITE_MS) return green(finding);
  return amber(finding, `more than ${SLOW_WRITE_MS} ms: see to the disk of Redis and the network`);
}

export function checkRedisMemory({ campaign, pool, redis: { info } }: Facts): Judged {
  if (!info.ok) return red(`Redis does not say what memory it has: ${info.why}`, ASK_REDIS);
  const { maxmemoryBytes, usedBytes, systemBytes } = info.value;
  const claims = pool.ok ? pool.value.claims : 0;
  const wanted = (campaign.total - claims) * BYTES_A_CLAIM;
  const mb = (bytes: number) => `${grouped(Math.round(bytes / MB))} MB`;
  const need = `claims and ledger of this campaign need about ${mb(wanted)}`;
  const more = "give Redis more memory (CONFIG SET maxmemory), or remove what else it holds";
  if (maxmemoryBytes > 0) {
    const free = maxmemoryBytes - usedBytes;
    const finding = `${need}; ${mb(Math.max(0, free))} of ${mb(maxmemoryBytes)} are free`;
    if (wanted >= free) return red(finding, more);
    return wanted > free * TIGHT ? amber(finding, more) : green(finding);
  }
  const left = systemBytes - usedBytes;
  const finding = `${need}; maxmemory is not set, the machine has ${mb(systemBytes)}, Redis uses ${mb(usedBytes)}`;
  return wanted > left * TIGHT
    ? amber(finding, "see that the machine has room for it, or use a bigger one")
    : green(finding);
}
