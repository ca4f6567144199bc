import { checkClaimAuth, checkCodeFormat } from "./check-claims.ts";
import { checkClaimLimits } from "./check-limits.ts";
import { checkMongodbMembers, checkMongodbWrite } from "./check-mongodb.ts";
import { checkFence, checkGeneration, checkLedger, checkPool } from "./check-pool.ts";
import { checkClocks, checkSchedulers, checkServers } from "./check-processes.ts";
import {
  checkRedisDurability,
  checkRedisEviction,
  checkRedisMemory,
  checkRedisRole,
  checkRedisSlot,
  checkRedisWrite,
} from "./check-redis.ts";
import { checkCodes, checkStart } from "./check-start.ts";
import type { Facts } from "./facts.ts";
import type { Judged, Line } from "./line.ts";

const CHECKS: Readonly<Record<string, (facts: Facts) => Judged>> = {
  start: checkStart,
  codes: checkCodes,
  pool: checkPool,
  fence: checkFence,
  generation: checkGeneration,
  ledger: checkLedger,
  "redis-durability": checkRedisDurability,
  "redis-eviction": checkRedisEviction,
  "redis-role": checkRedisRole,
  "redis-slot": checkRedisSlot,
  "redis-write": checkRedisWrite,
  "redis-memory": checkRedisMemory,
  "mongodb-write": checkMongodbWrite,
  "mongodb-members": checkMongodbMembers,
  servers: checkServers,
  schedulers: checkSchedulers,
  clocks: checkClocks,
  "claim-auth": checkClaimAuth,
  "claim-limits": checkClaimLimits,
  "code-format": checkCodeFormat,
};

/** Whether the campaign will open as promised. The same facts always give the same lines, in this order. */
export function judge(facts: Facts): Line[] {
  return Object.entries(CHECKS).map(([check, of]) => ({ check, ...of(facts) }));
}
