import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

/** What a caller was told. `unknown`: no definite answer came, the claim may or may not have happened. */
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
 * One request as its caller saw it: the callers' own record, kept apart from everything the service writes. A retry is an
 * entry of its own with the same claim key.
 */
export type HistoryEntry = {
  readonly claimKey: string;
  /** The caller's wall clock, milliseconds since the Unix epoch. */
  readonly invokedAtMs: number;
  readonly answeredAtMs: number;
  /** A clock that never steps, comparable between all callers of one history (see `monotonicNs`): the order of events. */
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

/** Appends entries to a JSON-lines file, readable by its owner only: it holds codes. */
export function createHistoryWriter(file: string): {
  write(entry: HistoryEntry): void;
  close(): Promise<void>;
} {
  const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
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

/**
 * Reads one JSON-lines file. A last line that its writer did not finish (it was killed) is left out; anything else that is
 * not an entry is an error: an audit over half a history would be worth nothing.
 */
export async function readHistory(file: string): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  let number = 0;
  let broken: number | undefined;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (line === "") continue;
    if (broken !== undefined) throw new Error(`${file}: line ${broken} is not a history entry`);
    const entry = parseEntry(line);
    if (entry === undefined) broken = number;
    else entries.push(entry);
  }
  return entries;
}

/** The entry that a line holds, or undefined. */
export function parseEntry(line: string): HistoryEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEntry(value) ? value : undefined;
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
