import { MongoBulkWriteError, type WriteError } from "mongodb";

export const DUPLICATE_KEY = 11_000;

/**
 * The refusals of an unordered bulk insert whose every failure was a duplicate key, that is: whose outcome is certain.
 * @throws the error itself when anything else went wrong (another failure, an unmet write concern, a lost connection)
 */
export function duplicateErrors(error: unknown): WriteError[] {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined)
    throw error;
  const failures = [error.writeErrors].flat();
  if (failures.length === 0 || failures.some((failure) => failure.code !== DUPLICATE_KEY)) throw error;
  return failures;
}
