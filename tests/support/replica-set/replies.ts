import type { Document } from "bson";

/** Errors by which a member of a replica set says that it is, or will be, no primary. */
export const STATE_CHANGES = {
  NotWritablePrimary: 10107,
  NotPrimaryNoSecondaryOk: 13435,
  NotPrimaryOrSecondary: 13436,
  InterruptedDueToReplStateChange: 11602,
  InterruptedAtShutdown: 11600,
  PrimarySteppedDown: 189,
  ShutdownInProgress: 91,
} as const;

/** Errors after which a write is on the primary, and nobody knows whether a majority will have it. */
export const UNMET_CONCERNS = { WriteConcernTimeout: 64, UnsatisfiableWriteConcern: 100 } as const;

export type StateChange = keyof typeof STATE_CHANGES;
export type UnmetConcern = keyof typeof UNMET_CONCERNS;

const WORDS: Readonly<Record<StateChange | UnmetConcern, string>> = {
  NotWritablePrimary: "not primary",
  NotPrimaryNoSecondaryOk: "not primary and secondaryOk=false",
  NotPrimaryOrSecondary: "node is not in primary or recovering state",
  InterruptedDueToReplStateChange: "operation was interrupted",
  InterruptedAtShutdown: "interrupted at shutdown",
  PrimarySteppedDown: "Primary stepped down while waiting for replication",
  ShutdownInProgress: "The server is in quiesce mode and will shut down",
  WriteConcernTimeout: "waiting for replication timed out",
  UnsatisfiableWriteConcern: "UnsatisfiableWriteConcern",
};

/**
 * The reply of a command that failed as a whole. A label (RetryableWriteError) is on it only where the
 * command is a retryable write with a transaction number, which the service never sends.
 */
export function failed(codeName: StateChange, topologyVersion: Document): Document {
  return { ok: 0, errmsg: WORDS[codeName], code: STATE_CHANGES[codeName], codeName, topologyVersion };
}

/** The reply of a write that the primary made, and whose write concern was not met. */
export function unmet(reply: Document, codeName: StateChange | UnmetConcern): Document {
  const code = { ...STATE_CHANGES, ...UNMET_CONCERNS }[codeName];
  return {
    ...reply,
    writeConcernError: {
      ...{ code, codeName, errmsg: WORDS[codeName] },
      ...(codeName === "WriteConcernTimeout" ? { errInfo: { wtimeout: true } } : {}),
    },
  };
}

/** The reply of an insert whose documents from `first` on were interrupted. */
export function interruptedFrom(first: number, count: number, codeName: StateChange): Document {
  const code = STATE_CHANGES[codeName];
  const writeErrors = Array.from({ length: count - first }, (_, i) => ({
    ...{ index: first + i, code, errmsg: WORDS[codeName] },
  }));
  return { ok: 1, n: first, writeErrors };
}
