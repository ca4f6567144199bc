import { UserError } from "../runtime/user-error.ts";
import { campaignKeys } from "./keys.ts";
import type { RedisKind } from "./redis-kind.ts";
import type { Link } from "./redis-link.ts";
import { isNoPermission } from "./redis-trouble.ts";
import type { RedisAddress } from "./redis-url.ts";

/**
 * Tries what the service needs of its Redis user, so that a missing right is told at the start and not by a
 * campaign that does not open. What only preflight asks for (CONFIG, INFO outside of scripts) is not needed:
 * preflight says that it could not be read.
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
      // Anything else (out of memory, a full disk) says nothing of rights.
      return undefined;
    }
  };
  await attempt("ping", link.ask(["PING"], signal()));
  // It applies to the next command on its connection alone, and changes nothing for a slot that does not
  // move.
  if (kind === "cluster") await attempt("asking", link.ask(["ASKING"], signal()));
  const tried = await attempt(
    "evalsha",
    link.run("rights", [meta, open, staged, ledger, probe], [], signal()),
  );
  for (const name of Array.isArray(tried) ? tried : []) missing.add(String(name));
  if (missing.size > 0) throw missingRights(address, [...missing]);
}

/** The command that a refusal for want of a right names; `keys`: it is about the keys. */
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
