import { MongoError, MongoServerError } from "mongodb";
import { isDenied } from "../pool/redis-trouble.ts";
import { UncertainInsert } from "../record/unordered-insert.ts";
import { DeadlineExceeded } from "../runtime/deadline.ts";
import { StoreDenial } from "../runtime/store-denial.ts";
import { StoreUnavailable } from "../runtime/store-unavailable.ts";
import { QueueFull } from "./batch-queue.ts";

/** Names of the errors that node-redis throws for a lost, closed, loading or refusing Redis. */
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
 * Messages that node-redis throws as a plain Error while the nodes of a cluster do not agree on where a slot
 * is.
 */
const CLUSTER_TROUBLE = /^(Cannot find node |Could not find shard$|Cluster closed$)/;

/** Those of them that are replies of a Redis that was reached. */
const REDIS_REPLIES = new Set(["ErrorReply", "SimpleError", "BlobError", "WatchError"]);

/** Whether a store gave no answer at all; an error reply is an answer. */
export function isNoAnswer(error: unknown): boolean {
  if (error instanceof MongoServerError) return false;
  if ([QueueFull, UncertainInsert, StoreDenial].some((kind) => error instanceof kind)) return false;
  return isStoreError(error) && !(error instanceof Error && REDIS_REPLIES.has(error.constructor.name));
}

/** Error codes of MongoDB: Unauthorized, AuthenticationFailed, and one of Atlas. */
const DENIED = [13, 18, 8000];

/** Whether a store refuses because a right or a password is missing: it does answer. */
export function isDenial(error: unknown): boolean {
  if (error instanceof MongoServerError) return DENIED.includes(Number(error.code));
  return error instanceof StoreDenial || isDenied(error);
}

/** Whether Redis was not even sent the command: there was no connection. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === "ClientOfflineError";
}

/** Whether an error means that a store could not be asked; otherwise it is a bug. */
export function isStoreError(error: unknown): boolean {
  const ours = [DeadlineExceeded, QueueFull, UncertainInsert, StoreUnavailable, StoreDenial];
  if (error instanceof MongoError || ours.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof Error)) return false;
  if (REDIS_ERRORS.has(error.constructor.name) || CLUSTER_TROUBLE.test(error.message)) return true;
  return (
    "code" in error && typeof error.code === "string" && /^E(CONN|PIPE|TIMEDOUT|HOST|NET)/.test(error.code)
  );
}
