import { ErrorReply } from "redis";
import { DeadlineExceeded } from "../runtime/deadline.ts";

/**
 * Replies of a Redis that is not, or is no longer, the one to be asked: connecting again may lead to another.
 */
const WRONG_REDIS = new Set([
  "READONLY",
  "MASTERDOWN",
  "LOADING",
  "UNBLOCKED",
  "CLUSTERDOWN",
  "MOVED",
  "ASK",
  "NOAUTH",
  "WRONGPASS",
]);

/**
 * Replies of a Redis that takes nothing: out of memory, a full disk, too few replicas, a missing right, a
 * script that does not end. It may be the right one, which connecting again does not mend; or the old master
 * of a failover, which nobody demoted.
 */
const TAKES_NOTHING = new Set(["OOM", "MISCONF", "NOREPLICAS", "NOPERM", "BUSY"]);

/** Whether an error says something of the connection, or of where it leads, rather than of the command. */
export function isConnectionTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof ErrorReply) return WRONG_REDIS.has(codeOf(error));
  return !(error instanceof TypeError || error instanceof RangeError);
}

/** Whether a Redis refuses that may or may not be the one that the address leads to. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply && TAKES_NOTHING.has(codeOf(error));
}

/** `OOM` of `OOM command not allowed …`. */
function codeOf(error: ErrorReply): string {
  return error.message.split(" ", 1)[0] ?? "";
}

/** Whether the slot is on its way to another node, and nothing was done for that reason. */
export function isMoving(error: unknown): boolean {
  return error instanceof ErrorReply && error.message.startsWith("TRYAGAIN");
}

/** NOPERM, as Redis words it for a command, for an EXEC, and for a command within a script. */
const NO_PERMISSION =
  /^(EXECABORT .* because of: )?NOPERM\b|^ERR The user executing the script can't run this command/;

/** Whether a right is missing. */
export function isNoPermission(error: unknown): boolean {
  return error instanceof ErrorReply && NO_PERMISSION.test(error.message);
}

/**
 * Whether Redis refuses for want of a right or a password: it answers, and asking again changes nothing until
 * somebody grants it.
 */
export function isDenied(error: unknown): boolean {
  return (
    isNoPermission(error) || (error instanceof ErrorReply && ["NOAUTH", "WRONGPASS"].includes(codeOf(error)))
  );
}

/** Short, for a log line or a message: what went wrong, without what was sent. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof DeadlineExceeded) return "no answer";
  // Several addresses of one name were tried.
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0]);
  return error.message || ("code" in error && String(error.code)) || error.name;
}
