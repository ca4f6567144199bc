import { ErrorReply } from "redis";
import { DeadlineExceeded } from "../runtime/deadline.ts";
import { missingRightIn } from "./missing-right.ts";

/**
 * Replies of a Redis that is not, or no longer, the right one: a new connection may lead to another.
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
 * Replies of a Redis that takes no write: out of memory, a full disk, too few replicas, a missing right, a
 * script that does not end. It may be the right one, and a new connection does not help; or the old master of
 * a failover, which was not demoted.
 */
const TAKES_NOTHING = new Set(["OOM", "MISCONF", "NOREPLICAS", "BUSY"]);

/** Whether an error concerns the connection, or the Redis that it leads to, rather than the command. */
export function isConnectionTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof ErrorReply) return WRONG_REDIS.has(codeOf(error));
  return !(error instanceof TypeError || error instanceof RangeError);
}

/** Whether Redis refuses the command, and may or may not be the one that the address leads to now. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply && (TAKES_NOTHING.has(codeOf(error)) || isNoPermission(error));
}

/** `OOM` of `OOM command not allowed …`. */
function codeOf(error: ErrorReply): string {
  return error.message.split(" ", 1)[0] ?? "";
}

/** Whether the command had no effect because its slot is moving to another node. */
export function isMoving(error: unknown): boolean {
  return error instanceof ErrorReply && error.message.startsWith("TRYAGAIN");
}

/** Whether a script did nothing because a newer program has made the pool; see include-shape.lua. */
export function isNewerPool(error: unknown): boolean {
  return error instanceof ErrorReply && codeOf(error) === "NEWERSHAPE";
}

/** Whether a right is missing. */
export function isNoPermission(error: unknown): boolean {
  return error instanceof ErrorReply && missingRightIn(error.message) !== undefined;
}

/**
 * Whether Redis refuses because a right or a password is missing: it answers, and a retry fails until an
 * administrator grants the right.
 */
export function isDenied(error: unknown): boolean {
  return (
    isNoPermission(error) || (error instanceof ErrorReply && ["NOAUTH", "WRONGPASS"].includes(codeOf(error)))
  );
}

/** The error in short, for a log line or a message, without any data that was sent. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof DeadlineExceeded) return "no answer";
  // The host name has several addresses, and each was tried.
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0]);
  return error.message || ("code" in error && String(error.code)) || error.name;
}
