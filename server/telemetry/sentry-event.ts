import type { Event, Exception, StackParser } from "@sentry/core";
import { hideCodes } from "../../runtime/code-words.ts";
import { REDACTED } from "../../runtime/url-secrets.ts";

/** A log line as it left the logger, redacted. */
type Line = Readonly<Record<string, unknown>>;

/** What all events of this process have. */
export type EventFacts = {
  readonly environment: string;
  readonly release: string;
  readonly serverName: string;
};

/** By these an event can be searched for in Sentry. */
const TAGS = ["component", "method", "campaign", "resource", "worker", "pid", "callId"] as const;
/** Counts and words of ours. A field that is in neither list does not leave the process in an event. */
const EXTRA = [
  ...["generation", "seq", "against", "undone", "requests", "batch", "outcome", "number", "left", "untold"],
  ...["issued", "claims", "total", "live", "readings", "violations", "deadlineMs", "recorded"],
] as const;
/** A trace id, where the call has one; see docs/tracing.md. */
const TRACE_ID = /^[\da-f]{32}$/;
const CAUSES_MAX = 5;
const TEXT_LENGTH_MAX = 2_000;

/** The event that Sentry gets of a log line. */
export function sentryEventOf(
  line: Line,
  id: string,
  { environment, release, serverName }: EventFacts,
  stackParser: StackParser,
): Event {
  const { level, time, msg, err, callId } = line;
  const exceptions = exceptionsOf(err, stackParser);
  const isTraced = typeof callId === "string" && TRACE_ID.test(callId);
  return {
    event_id: id,
    timestamp: Date.parse(String(time)) / 1_000,
    platform: "node",
    level: level === "fatal" ? "fatal" : "error",
    logger: safe(line["component"] ?? "process"),
    ...{ environment, release, server_name: serverName },
    logentry: { message: safe(msg) },
    ...(exceptions.length === 0 ? {} : { exception: { values: exceptions } }),
    tags: picked(line, TAGS),
    extra: picked(line, EXTRA),
    // Sentry takes no trace without a span; this one is the event's own.
    ...(isTraced ? { contexts: { trace: { trace_id: callId, span_id: id.slice(0, 16) } } } : {}),
  };
}

/** The error and its causes. Sentry shows the last one as what happened. */
function exceptionsOf(err: unknown, stackParser: StackParser): Exception[] {
  const found: Exception[] = [];
  for (let one = err; isTold(one) && found.length < CAUSES_MAX; one = one.cause) {
    const frames = stackParser(safe(one.stack, TEXT_LENGTH_MAX * 4));
    found.unshift({
      type: safe(one.type),
      value: safe(one.message),
      ...(frames.length === 0 ? {} : { stacktrace: { frames } }),
    });
  }
  return found;
}

type ToldError = { type: unknown; message: unknown; stack: unknown; cause?: unknown };

function isTold(value: unknown): value is ToldError {
  return typeof value === "object" && value !== null && "message" in value && "stack" in value;
}

function picked(line: Line, names: readonly string[]): Record<string, string> {
  const given = names.filter((name) => line[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, safe(line[name])]));
}

function safe(value: unknown, lengthMax = TEXT_LENGTH_MAX): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return hideCodes((text ?? "").slice(0, lengthMax), REDACTED);
}
