import { MongoError, MongoServerError } from "mongodb";
import { isDenied } from "../pool/redis-trouble.ts";
import { UncertainInsert } from "../record/unordered-insert.ts";
import { DeadlineExceeded } from "../runtime/deadline.ts";
import { StoreDenial } from "../runtime/store-denial.ts";
import { StoreUnavailable } from "../runtime/store-unavailable.ts";
import { QueueFull } from "./batch-queue.ts";

/** Names under which node-redis throws what comes of a lost, closed, loading or refusing Redis. */
const REDIS_ERRORS = new Set([
  "AbortError",
  "WatchError",
  "ConnectionTimeoutError",
  "SocketTimeoutError",
  "ClientClosedError",
  "ClientOfflineError",
  "DisconnectsClientError",
  "SocketClosedUnexpectedlyError",
  "RootNodesUnavailableError",
  "ReconnectStrategyError",
  "ErrorReply",
  "SimpleError",
  "BlobError",
  "TimeoutError",
  "SocketTimeoutDuringMaintenanceError",
  "CommandTimeoutDuringMaintenanceError",
  "MaxCommandRedirectionsError",
  "MultiErrorReply",
]);
/**
 * What node-redis throws as a plain Error while the nodes of a cluster do not agree yet on where a slot is.
 */
const CLUSTER_TROUBLE = /^(Cannot find node |Could not find shard$|Cluster closed$)/;

/** Of these, what a Redis said that could be asked. */
const REDIS_REPLIES = new Set(["ErrorReply", "SimpleError", "BlobError", "WatchError"]);

/** Whether a store gave no answer at all, as opposed to one that nobody likes. */
export function isNoAnswer(error: unknown): boolean {
  if (error instanceof MongoServerError) return false;
  if ([QueueFull, UncertainInsert, StoreDenial].some((kind) => error instanceof kind)) return false;
  return isStoreError(error) && !(error instanceof Error && REDIS_REPLIES.has(error.constructor.name));
}

/** Codes of MongoDB's answers: Unauthorized, AuthenticationFailed, and Atlas' own. */
const DENIED = [13, 18, 8000];

/** Whether a store refuses for want of a right or a password: it answers, and is not away. */
export function isDenial(error: unknown): boolean {
  if (error instanceof MongoServerError) return DENIED.includes(Number(error.code));
  return error instanceof StoreDenial || isDenied(error);
}

/** Whether Redis was not even sent the command: there was no connection. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === "ClientOfflineError";
}

/** Whether an error means that a store could not be asked, as opposed to a bug of ours. */
export function isStoreError(error: unknown): boolean {
  const ours = [DeadlineExceeded, QueueFull, UncertainInsert, StoreUnavailable, StoreDenial];
  if (error instanceof MongoError || ours.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof Error)) return false;
  if (REDIS_ERRORS.has(error.constructor.name) || CLUSTER_TROUBLE.test(error.message)) return true;
  return (
    "code" in error && typeof error.code === "string" && /^E(CONN|PIPE|TIMEDOUT|HOST|NET)/.test(error.code)
  );
}
