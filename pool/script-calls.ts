import { withDeadline } from "../runtime/deadline.ts";
import { NewerShape } from "../runtime/stored-shape.ts";
import type { Redis } from "./redis.ts";
import { isNewerPool } from "./redis-trouble.ts";
import type { ScriptName } from "./scripts.ts";

/**
 * Calls a script by name, within the deadline; `list` and `word` give the reply its type. Rejects with
 * NewerShape where the script did nothing because a newer program has made the pool.
 */
export type ScriptCalls = ReturnType<typeof createScriptCalls>;

export function createScriptCalls(redis: Redis, deadlineMs: number) {
  const call = (name: ScriptName, keys: readonly string[], args: readonly string[]) =>
    withDeadline(redis[name](keys, args), deadlineMs, `Redis ${name}`).catch((error: unknown) => {
      throw isNewerPool(error) ? new NewerShape(String(Object(error).message)) : error;
    });
  const list = async (name: ScriptName, keys: readonly string[], args: readonly string[]) =>
    (await call(name, keys, args)) as readonly (string | number)[];
  const word = async <W extends string>(name: ScriptName, keys: readonly string[], args: readonly string[]) =>
    (await call(name, keys, args)) as W;
  return { call, list, word };
}
