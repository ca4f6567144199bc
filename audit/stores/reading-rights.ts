import { campaignKeys } from "../../pool/keys.ts";
import { isNoPermission } from "../../pool/redis-trouble.ts";
import { StoreDenial } from "../../runtime/store-denial.ts";
import type { RedisReader } from "./redis-reader.ts";

/**
 * Tries each command that the audit reads with, in the campaign's own slot: each node of a cluster has rights
 * of its own. One by one, so that the error names all missing rights at once, as ACL SETUSER takes them.
 * @throws StoreDenial
 */
export async function demandReadingRights(redis: RedisReader, campaignId: string): Promise<void> {
  const { meta, staged, claims, ledger } = campaignKeys(campaignId);
  const commands: readonly (readonly [key: string, ...command: string[]])[] = [
    [meta, "HGETALL", meta],
    [staged, "LLEN", staged],
    [staged, "LRANGE", staged, "0", "0"],
    [claims, "HLEN", claims],
    [claims, "HSCAN", claims, "0", "COUNT", "1"],
    [ledger, "XLEN", ledger],
    [ledger, "XRANGE", ledger, "-", "+", "COUNT", "1"],
    [meta, "INFO", "server"],
    [meta, "MULTI"],
    // Where MULTI was refused, EXEC fails with "EXEC without MULTI", which is not a missing right.
    [meta, "EXEC"],
  ];
  const missing: string[] = [];
  for (const [key, ...command] of commands) {
    await redis.ask(key, command).catch((error: unknown) => {
      // Another error, such as a slot that is being moved, shows no missing right: the reading itself will
      // report it.
      if (isNoPermission(error)) missing.push(`+${command[0]?.toLowerCase()}`);
    });
  }
  if (missing.length === 0) return;
  throw new StoreDenial(
    `the audit may not read this Redis: its user ${redis.username} lacks ${missing.join(" ")} (ACL SETUSER; docs/operations.md lists the rights)`,
  );
}
