import { aclWord, missingRightIn } from "../../pool/missing-right.ts";
import type { Asked } from "./asked.ts";
import { amber, type Judged, red } from "./line.ts";

/** Error texts of Redis Cluster nodes, and of their client, for a slot that is moving between nodes. */
const MOVING =
  /^(TRYAGAIN|ASK|MOVED)\b|non local key in a cluster node|Too many Cluster redirections|^Cannot find node /;
export const AWAIT_THE_MOVE =
  "wait until its migration is over (redis-cli --cluster check; --cluster fix where it was left half-way), then look again";

/**
 * The line for a question that Redis did not answer. Amber where the only reason is that the slot of the
 * campaign is moving: the campaign opens all the same.
 */
export function cannotAsk(finding: string, why: string): Judged {
  if (MOVING.test(why))
    return amber(`${finding}: its slot is on its way to another node: ${why}`, AWAIT_THE_MOVE);
  return red(`${finding}: ${why}`, askRedisAgain(why));
}

/**
 * Advice where Redis did not answer a question: look again, or give its user the missing right.
 */
function askRedisAgain(why: string): string {
  const right = missingRight(why);
  if (right !== undefined) return `${grant(right)}, then look again`;
  if (/^(NOAUTH|WRONGPASS)\b/.test(why))
    return "give the user and password that it takes in REDIS_URL, and start the service anew";
  return "see that Redis answers and look again";
}

/** The missing right that a refusal names, such as `+info`; undefined: the refusal has another reason. */
function missingRight(why: string): string | undefined {
  const right = missingRightIn(why);
  return right && (aclWord(right) ?? "for the commands that docs/operations.md lists");
}

function grant(right: string): string {
  return `give the user of REDIS_URL the right ${right} (ACL SETUSER)`;
}

/**
 * Advice where Redis does not let a setting be read: grant the missing right, or read it where the provider
 * has it.
 */
export function howToRead(setting: string, value: string, why: string): string {
  const right = missingRight(why);
  const provider = `see where its provider has the settings (console, parameter group), or ask its administrator, that ${setting} is ${value}`;
  return right === undefined ? provider : `${grant(right)}, or ${provider}`;
}

/**
 * Advice how to change a setting of Redis. A managed Redis forbids CONFIG SET, and most forbid CONFIG GET
 * too: where that was refused, the advice names only the provider's own settings.
 */
export function howToSet(name: string, value: string, configAnswer: Asked<string>): string {
  const managed = `set ${name} ${value} where its provider has the settings (console, parameter group)`;
  if (!configAnswer.ok) return `CONFIG is not allowed here: ${managed}, or ask its administrator`;
  return `CONFIG SET ${name} ${value}, and write it into its configuration; of a managed Redis, ${managed}`;
}
