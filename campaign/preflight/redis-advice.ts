import type { Asked } from "./asked.ts";
import { amber, type Judged, red } from "./line.ts";

/** What nodes of a cluster, and their client, say of a slot that is on its way from one to another. */
const MOVING =
  /^(TRYAGAIN|ASK|MOVED)\b|non local key in a cluster node|Too many Cluster redirections|^Cannot find node /;
export const AWAIT_THE_MOVE =
  "wait until its migration is over (redis-cli --cluster check; --cluster fix where it was left half-way), then look again";

/** What Redis did not answer: it will open all the same where that is only because the slot of the campaign is being moved. */
export function cannotAsk(finding: string, why: string): Judged {
  if (MOVING.test(why))
    return amber(`${finding}: its slot is on its way to another node: ${why}`, AWAIT_THE_MOVE);
  return red(`${finding}: ${why}`, askRedisAgain(why));
}

/** What to do where Redis did not answer a question: look again, or give its user the right that is missing. */
function askRedisAgain(why: string): string {
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
