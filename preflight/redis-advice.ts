import type { Asked } from "./asked.ts";

/** What to do where Redis did not answer a question: look again, or give its user the right that is missing. */
export function askRedisAgain(why: string): string {
  if (/^NOPERM\b/.test(why))
    return "give the user of REDIS_URL the right that is named (ACL SETUSER), then look again";
  return "see that Redis answers and look again";
}

/**
 * How to change a setting of Redis. A managed one forbids CONFIG SET, most also CONFIG GET: where that was refused, only its provider's
 * own way is told.
 */
export function howToSet(name: string, value: string, configAnswer: Asked<string>): string {
  const managed = `set ${name} ${value} where its provider has the settings (console, parameter group)`;
  if (!configAnswer.ok) return `CONFIG is not allowed here: ${managed}, or ask whoever runs it`;
  return `CONFIG SET ${name} ${value}, and write it into its configuration; of a managed Redis, ${managed}`;
}
