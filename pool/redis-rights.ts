import { UserError } from "../runtime/user-error.ts";
import { campaignKeys } from "./keys.ts";
import type { RedisKind } from "./redis-kind.ts";
import type { Link } from "./redis-link.ts";
import { isNoPermission } from "./redis-trouble.ts";
import type { RedisAddress } from "./redis-url.ts";

/**
 * Tries the commands that the service needs, so that a missing right is reported at the start of a process
 * and not found by a campaign that does not open. The commands that only preflight uses (CONFIG, INFO outside
 * of scripts) are not required: preflight reports what it could not read.
 * @throws UserError naming the commands that the user may not run
 */
export async function checkRights(
  link: Link,
  kind: RedisKind,
  address: RedisAddress,
  { tag, withinMs }: { readonly tag: string; readonly withinMs: number },
): Promise<void> {
  const { meta, open, staged, ledger, probe } = campaignKeys(tag);
  const signal = () => AbortSignal.timeout(withinMs);
  const missing = new Set<string>();
  const attempt = async (name: string, call: Promise<unknown>): Promise<unknown> => {
    try {
      return await call;
    } catch (error) {
      if (isNoPermission(error)) missing.add(commandOf(error, name));
      // Other errors (out of memory, a full disk) do not concern rights.
      return undefined;
    }
  };
  await attempt("ping", link.ask(["PING"], signal()));
  // ASKING applies only to the next command on its connection, and has no effect for a slot that does not
  // move.
  if (kind === "cluster") await attempt("asking", link.ask(["ASKING"], signal()));
  const tried = await attempt(
    "evalsha",
    link.run("rights", [meta, open, staged, ledger, probe], [], signal()),
  );
  for (const name of Array.isArray(tried) ? tried : []) missing.add(String(name));
  if (missing.size > 0) throw missingRights(address, [...missing]);
}

/** The command that a refusal names as not allowed; `keys`: the keys are not allowed. */
export function commandOf(error: unknown, otherwise = "a command"): string {
  const words = error instanceof Error ? error.message : "";
  return commandIn(words) ?? (/key/.test(words) ? "keys" : otherwise);
}

/** `config|get` of `NOPERM this user has no permissions to run the 'config|get' command`. */
export function commandIn(words: string): string | undefined {
  return /'([^']+)' command/.exec(words)?.[1];
}

export function missingRights({ username = "default" }: RedisAddress, missing: readonly string[]): UserError {
  const commands = missing.filter((name) => name !== "keys").sort();
  const parts = [
    ...(commands.length === 0 ? [] : [`run ${commands.join(", ")}`]),
    ...(missing.includes("keys") ? ["touch keys that begin with cp: (right ~cp:*)"] : []),
  ];
  return new UserError(
    `configuration: REDIS_URL: the Redis user ${username} may not ${parts.join(", nor ")}; docs/operations.md lists the rights that are needed`,
  );
}
