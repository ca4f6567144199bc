import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { appendPrivateFile } from "../runtime/private-file.ts";
import { LineTooLong, linesOf } from "./lines.ts";

/** The answer that a caller got. `unknown`: none that is definite, the claim may or may not have happened. */
export type Outcome =
  | {
      readonly kind: "issued";
      readonly code: string;
      readonly seq: number;
      /** Only where the answer carried it: the API's coupon does not. */
      readonly generation?: number;
      readonly issuedAtMs: number;
      readonly replayed: boolean;
    }
  /** `reason` is the enum's name without prefix, e.g. SOLD_OUT. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unknown"; readonly message: string };

/**
 * One request as its caller recorded it, independently of everything that the service writes. A retry is an
 * entry of its own with the same claim key.
 */
export type HistoryEntry = {
  readonly claimKey: string;
  /** The caller's wall clock, milliseconds since the Unix epoch. */
  readonly invokedAtMs: number;
  readonly answeredAtMs: number;
  /**
   * A clock that never steps, comparable between all callers of one history (see `monotonicNs`): the order of
   * events.
   */
  readonly invokedOrder: number;
  readonly answeredOrder: number;
  readonly outcome: Outcome;
};

/** Nanoseconds since the machine started: one scale for every process and thread of this machine. */
export function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

/** The moment of a request's start or end, on both clocks. */
export function stamp(): { readonly atMs: number; readonly order: number } {
  return { order: monotonicNs(), atMs: Date.now() };
}

/** Appends entries to a JSON-lines file, readable by its owner only: it holds codes. @throws UnsafeFile */
export function createHistoryWriter(file: string): {
  write(entry: HistoryEntry): void;
  close(): Promise<void>;
} {
  const stream = createWriteStream(file, { fd: appendPrivateFile(file) });
  let failure: unknown;
  stream.on("error", (error) => {
    failure = error;
  });
  return {
    write: (entry) => void stream.write(`${JSON.stringify(entry)}\n`),
    async close() {
      if (failure === undefined) {
        stream.end();
        await once(stream, "close");
      }
      if (failure !== undefined) throw failure;
    },
  };
}

export type HistoryReading = {
  /** For entries without the order of events: how many ms the callers' wall clocks may differ. */
  readonly clockMs?: number;
};

/** Reads one JSON-lines file into memory. @throws HistoryBroken */
export async function readHistory(file: string, reading: HistoryReading = {}): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for await (const entry of streamHistory([file], reading)) entries.push(entry);
  return entries;
}

/** A history that cannot be read whole: an audit over a part of it would be worth nothing. */
export class HistoryBroken extends Error {
  override readonly name = "HistoryBroken";
}

/** An entry has some hundred bytes: a longer line is no entry, and could fill the memory. */
const LINE_BYTES_MAX = 64 * 1024;

/**
 * The entries of JSON-lines files, one after the other. A last line that its writer did not finish (it was
 * killed: no newline ends it) is left out; anything else that is not an entry is an error. Either all entries
 * have the order of events or none has.
 * @throws HistoryBroken
 */
export async function* streamHistory(
  files: readonly string[],
  { clockMs = 0 }: HistoryReading = {},
): AsyncGenerator<HistoryEntry> {
  let ordered: boolean | undefined;
  for (const file of files) {
    try {
      for await (const { number, text, ended } of linesOf(file, LINE_BYTES_MAX)) {
        if (text === "") continue;
        const parsed = parseLine(text, clockMs);
        if (parsed === undefined) {
          // Nothing comes after a line without an end.
          if (!ended) continue;
          throw new HistoryBroken(`${file}: line ${number} is not a history entry`);
        }
        ordered ??= parsed.ordered;
        if (ordered !== parsed.ordered)
          throw new HistoryBroken(
            `${file}: line ${number} ${parsed.ordered ? "has" : "lacks"} invokedOrder and answeredOrder, unlike those before it`,
          );
        yield parsed.entry;
      }
    } catch (error) {
      throw error instanceof LineTooLong ? new HistoryBroken(`${file}: ${error.message}`) : error;
    }
  }
}

/** The entry that a line holds, or undefined. */
export function parseEntry(line: string): HistoryEntry | undefined {
  return parseLine(line, 0)?.entry;
}

const NS_PER_MS = 1e6;

function parseLine(line: string, clockMs: number): { entry: HistoryEntry; ordered: boolean } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const ordered = "invokedOrder" in value || "answeredOrder" in value;
  if (ordered) return isEntry(value) ? { entry: value, ordered } : undefined;
  // The wall clock gives the order; events closer together than the clocks may differ count as simultaneous.
  const { invokedAtMs, answeredAtMs } = value;
  const entry = {
    ...value,
    invokedOrder: (Number(invokedAtMs) - clockMs) * NS_PER_MS,
    answeredOrder: (Number(answeredAtMs) + clockMs) * NS_PER_MS,
  };
  return isEntry(entry) ? { entry, ordered } : undefined;
}

function isEntry(value: unknown): value is HistoryEntry {
  if (!isObject(value)) return false;
  const { claimKey, invokedAtMs, answeredAtMs, invokedOrder, answeredOrder, outcome } = value;
  return (
    typeof claimKey === "string" &&
    [invokedAtMs, answeredAtMs, invokedOrder, answeredOrder].every(Number.isFinite) &&
    Number(invokedOrder) <= Number(answeredOrder) &&
    isOutcome(outcome)
  );
}

function isOutcome(value: unknown): value is Outcome {
  if (!isObject(value)) return false;
  switch (value["kind"]) {
    case "issued":
      return (
        typeof value["code"] === "string" &&
        Number.isInteger(value["seq"]) &&
        Number.isFinite(value["issuedAtMs"]) &&
        typeof value["replayed"] === "boolean" &&
        (value["generation"] === undefined || Number.isInteger(value["generation"]))
      );
    case "refused":
      return typeof value["reason"] === "string";
    case "unknown":
      return typeof value["message"] === "string";
    default:
      return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
