import { MongoError, MongoNetworkError, MongoServerError, MongoWriteConcernError } from "mongodb";
import { type Clock, sleep } from "../runtime/clock.ts";
import { DUPLICATE_KEY, UncertainInsert } from "./unordered-insert.ts";

export type Repeating = {
  readonly clock: Pick<Clock, "after" | "elapsed">;
  /** No repetition begins later than this after the first attempt, in ms. */
  readonly withinMs: number;
  readonly onRepeat: (cause: MongoError | UncertainInsert) => void;
};

/**
 * Error codes by which a member says that it is no primary, or stops being one: NotWritablePrimary,
 * NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, InterruptedDueToReplStateChange, InterruptedAtShutdown,
 * PrimarySteppedDown, ShutdownInProgress. Source: github.com/mongodb/mongo, src/mongo/base/error_codes.yml;
 * github.com/mongodb/specifications, server-discovery-and-monitoring.
 */
const STATE_CHANGES: readonly number[] = [10107, 13435, 13436, 11602, 11600, 189, 91];
const RETRYABLE = "RetryableWriteError";

/** Before the first repetition; each later pause is twice as long, up to the longest one. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 320;
const ATTEMPTS_MAX = 30;

/**
 * Repeats an insert that met another primary or lost its connection, until it has an answer: its documents
 * are unique by code and by claim key, so that one that the first attempt wrote is found, and not made again.
 *
 * An unmet write concern (WriteConcernTimeout, UnsatisfiableWriteConcern) is not repeated: the primary has
 * the documents and cannot say whether a majority will, and it would say so again. The ledger still has
 * those claims, and the sweeper finishes them.
 *
 * The driver does not do this. `retryWrites` repeats a command once, and only one that has a session and a
 * transaction number; an unordered insertMany is such a command for each of its batches, but errors of single
 * documents in an answered batch are not repeated. A bare command, as `insertUnordered` sends it, never is,
 * and server and driver put the label RetryableWriteError on errors of retryable writes alone. Source:
 * mongodb 7.8.0, lib/operations/execute_operation.js, canRetry; lib/sdam/server.js, decorateCommandError.
 * @throws the last error; the outcome is uncertain then
 */
export async function repeatInsert<T>(
  insert: () => Promise<T>,
  { clock, withinMs, onRepeat }: Repeating,
): Promise<T> {
  const startedAtMs = clock.elapsed();
  let pauseMs = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await insert();
    } catch (error) {
      const isLate = () => clock.elapsed() - startedAtMs >= withinMs;
      if (!isRepeatable(error) || attempt === ATTEMPTS_MAX || isLate()) throw error;
      await sleep(clock, pauseMs);
      if (isLate()) throw error;
      onRepeat(error);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
}

/** Whether the same insert may succeed at once elsewhere, or over another connection. */
export function isRepeatable(error: unknown): error is MongoError | UncertainInsert {
  // One document alone may have met the change; another error beside it is not made better by a repetition.
  if (error instanceof UncertainInsert) return error.codes.every(isStateChange);
  if (error instanceof MongoWriteConcernError) {
    const { writeConcernError, writeErrors = [] } = error.result as Unmet;
    const refused = writeErrors.every(({ code }) => code === DUPLICATE_KEY || isStateChange(code));
    return refused && isStateChange(writeConcernError.code);
  }
  if (error instanceof MongoServerError) return isStateChange(Number(error.code)) || isLabelled(error);
  return error instanceof MongoNetworkError || (error instanceof MongoError && isLabelled(error));
}

type Unmet = {
  readonly writeConcernError: { readonly code: number };
  readonly writeErrors?: readonly { readonly code: number }[];
};

const isStateChange = (code: number) => STATE_CHANGES.includes(code);
const isLabelled = (error: MongoError) => error.hasErrorLabel(RETRYABLE);
