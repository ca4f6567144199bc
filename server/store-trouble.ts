import { MongoError } from "mongodb";
import { StoreAway } from "../audit/stores/store-away.ts";
import { RedisAway } from "../pool/redis-trouble.ts";
import { UncertainInsert } from "../record/unordered-insert.ts";
import { DeadlineExceeded } from "../runtime/deadline.ts";
import { QueueFull } from "./claims/batch-queue.ts";

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
]);

/** Whether an error means that a store could not be asked, as opposed to a bug of ours. */
export function isStoreTrouble(error: unknown): boolean {
  const ours = [DeadlineExceeded, QueueFull, UncertainInsert, StoreAway, RedisAway];
  if (error instanceof MongoError || ours.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof Error)) return false;
  if (REDIS_ERRORS.has(error.constructor.name)) return true;
  return (
    "code" in error && typeof error.code === "string" && /^E(CONN|PIPE|TIMEDOUT|HOST|NET)/.test(error.code)
  );
}
