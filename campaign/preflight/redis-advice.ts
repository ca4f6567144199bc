import { commandIn } from "../../pool/redis-rights.ts";
import type { Asked } from "./asked.ts";
import { amber, type Judged, red } from "./line.ts";

/** What nodes of a cluster, and their client, say of a slot that is on its way from one to another. */
const MOVING =
  /^(TRYAGAIN|ASK|MOVED)\b|non local key in a cluster node|Too many Cluster redirections|^Cannot find node /;
export const AWAIT_THE_MOVE =
  "wait until its migration is over (redis-cli --cluster check; --cluster fix where it was left half-way), then look again";

/**
 * What Redis did not answer: it will open all the same where that is only because the slot of the campaign is
 * being moved.
 */
export function cannotAsk(finding: string, why: string): Judged {
  if (MOVING.test(why))
    return amber(`${finding}: its slot is on its way to another node: ${why}`, AWAIT_THE_MOVE);
  return red(`${finding}: ${why}`, askRedisAgain(why));
}

/**
 * What to do where Redis did not answer a question: look again, or give its user the right that is missing.
 */
function askRedisAgain(why: string): string {
  const right = missingRight(why);
  if (right !== undefined) return `${grant(right)}, then look again`;
  if (/^(NOAUTH|WRONGPASS)\b/.test(why))
    return "give the user and password that it takes in REDIS_URL, and start the service anew";
  return "see that Redis answers and look again";
}

/** `+info` of a refusal for want of that right; undefined: it was refused for something else. */
function missingRight(why: string): string | undefined {
  if (!/^NOPERM\b/.test(why)) return undefined;
  const command = commandIn(why);
  return command === undefined ? "~cp:*" : `+${command}`;
}

function grant(right: string): string {
  return `give the user of REDIS_URL the right ${right} (ACL SETUSER)`;
}

/**
 * How to let a setting be read that Redis does not tell: by the right that is missing, or where its provider
 * has it.
 */
export function howToRead(setting: string, value: string, why: string): string {
  const right = missingRight(why);
  const provider = `see where its provider has the settings (console, parameter group), or ask whoever runs it, that ${setting} is ${value}`;
  return right === undefined ? provider : `${grant(right)}, or ${provider}`;
}

/**
 * How to change a setting of Redis. A managed one forbids CONFIG SET, most also CONFIG GET: where that was
 * refused, only its provider's own way is told.
 */
export function howToSet(name: string, value: string, configAnswer: Asked<string>): string {
  const managed = `set ${name} ${value} where its provider has the settings (console, parameter group)`;
  if (!configAnswer.ok) return `CONFIG is not allowed here: ${managed}, or ask whoever runs it`;
  return `CONFIG SET ${name} ${value}, and write it into its configuration; of a managed Redis, ${managed}`;
}
