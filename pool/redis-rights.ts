import { ErrorReply } from "redis";
import { UserError } from "../runtime/user-error.ts";
import { campaignKeys } from "./keys.ts";
import { aclWord, type MissingRight, missingRightIn } from "./missing-right.ts";
import type { RedisKind } from "./redis-kind.ts";
import type { Link } from "./redis-link.ts";
import type { RedisAddress } from "./redis-url.ts";

/** What Redis refused at the start: the command that was tried, and the words of the refusal. */
type Refused = { readonly command: string; readonly words: string };

/**
 * Tries the commands that the service needs, so that a missing right is reported at the start of a process
 * and not found by a campaign that does not open. Also finds out whether Redis tells what the fence needs.
 * The commands that only preflight uses (CONFIG, INFO outside of scripts) are not required: preflight reports
 * what it could not read.
 * @throws UserError naming the commands that the user may not run, or what Redis does not tell
 */
export async function checkRights(
  link: Link,
  kind: RedisKind,
  address: RedisAddress,
  { tag, withinMs }: { readonly tag: string; readonly withinMs: number },
): Promise<void> {
  const { meta, open, staged, ledger, probe } = campaignKeys(tag);
  const signal = () => AbortSignal.timeout(withinMs);
  const refused: Refused[] = [];
  const attempt = async (command: string, call: Promise<unknown>): Promise<unknown> => {
    try {
      return await call;
    } catch (error) {
      if (isRefused(error)) refused.push({ command, words: error.message });
      // Other errors (out of memory, a full disk) concern neither rights nor what this Redis can do.
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
  const [commands = [], untold = []] = (tried ?? []) as readonly (readonly string[])[];
  for (let i = 0; i + 1 < commands.length; i += 2) {
    refused.push({ command: commands[i] as string, words: commands[i + 1] as string });
  }
  if (refused.length > 0) throw refusalOf(address, refused);
  if (untold.length > 0) throw untoldBy(untold);
}

/** As the script `rights` does: these commands are right, and `ERR` names no state that may pass. */
function isRefused(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply && /^ERR |NOPERM\b/.test(error.message);
}

/** The refusal of one command in words for the person who gave the URL. */
export function missingRight(address: RedisAddress, error: Error): UserError {
  return refusalOf(address, [{ command: "a command", words: error.message }]);
}

function refusalOf({ username = "default" }: RedisAddress, refused: readonly Refused[]): UserError {
  const rights: MissingRight[] = [];
  const others: Refused[] = [];
  for (const { command, words } of refused) {
    const right = missingRightIn(words);
    if (right === undefined) others.push({ command, words });
    else rights.push(right.to === "run" ? { to: "run", command: right.command ?? command } : right);
  }
  const sentences = [...(rights.length === 0 ? [] : [lacking(username, rights)]), ...others.map(unusable)];
  return new UserError(
    `configuration: REDIS_URL: ${sentences.join("; ")}; docs/operations.md lists the rights that are needed`,
  );
}

function lacking(username: string, rights: readonly MissingRight[]): string {
  const commands = new Set(rights.flatMap((right) => (right.to === "run" ? [right.command] : [])));
  const parts = [
    ...(commands.size === 0 ? [] : [`run ${[...commands].sort().join(", ")}`]),
    ...(rights.some(({ to }) => to === "touch keys") ? ["touch keys that begin with cp: (right ~cp:*)"] : []),
  ];
  const words = [...new Set(rights.flatMap((right) => aclWord(right) ?? []))].sort();
  return `the Redis user ${username} may not ${parts.join(", nor ")}; grant ${words.join(" ")} (ACL SETUSER)`;
}

function unusable({ command, words }: Refused): string {
  return `this Redis cannot be used: it refuses ${command} (${words})`;
}

function untoldBy(fields: readonly string[]): UserError {
  return new UserError(
    `configuration: REDIS_URL: INFO of this Redis does not tell ${fields.join(" and ")}, by which the service finds out ` +
      "that Redis came back with older data; no right helps where INFO is allowed (+info): have its provider tell them, or use another Redis",
  );
}
