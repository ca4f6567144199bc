import { type DestinationStream, type Logger, pino } from "pino";
import { type Redact, redactJsonLine } from "./redactor.ts";
import { REDACTED, redactShapes } from "./url-secrets.ts";
import { visible } from "./visible.ts";

export type { Logger };

/** Names under which a code, a person or a secret could reach a log line; their values are replaced. */
const SECRET_NAMES = ["code", "codes", "userId", "claimKey", "requestId", "token", "authorization"] as const;

const redactPaths = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** How many causes of causes a log line contains at most. */
const CAUSES_MAX = 4;

/**
 * An error for a log line: its type, message, stack and causes, and nothing else. The MongoDB driver attaches
 * the documents it was sent to its errors, with codes and users, and quotes them after `dup key:` (see
 * `redactShapes`).
 */
function tellError(error: unknown, causesMax = CAUSES_MAX): unknown {
  if (!(error instanceof Error)) return typeof error;
  const { message, stack = "", cause } = error;
  return {
    type: error.constructor.name,
    message,
    stack,
    ...(cause === undefined || causesMax === 0 ? {} : { cause: tellError(cause, causesMax - 1) }),
  };
}

export type LoggerOptions = {
  level: string;
  format: "json" | "text";
  /** The number of the worker slot; absent in a process without workers. */
  worker?: number | undefined;
  /**
   * Redacts the secrets of the settings; without it only texts that are secret by their shape are redacted.
   */
  redact?: Redact;
  /** Where lines go; standard output when absent. */
  destination?: DestinationStream;
  /** Gets each line of the level error or fatal as JSON, as redacted as the log has it. */
  onError?: (line: string) => void;
};

/** The logger writes the level first. */
const IS_ERROR = /^\{"level":"(?:error|fatal)"/;

/** One structured line an event. `text` is for a person at a terminal, `json` for everything else. */
export function createLogger(options: LoggerOptions): Logger {
  const { level, format, worker, redact = redactShapes, destination = process.stdout, onError } = options;
  const target =
    format === "text" ? { write: (line: string) => destination.write(textLine(line)) } : destination;
  return pino(
    {
      level,
      base: { pid: process.pid, ...(worker === undefined ? {} : { worker }) },
      serializers: { err: (error: unknown) => tellError(error) },
      redact: { paths: redactPaths, censor: REDACTED },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      hooks: {
        streamWrite(line) {
          const safe = redactJsonLine(line, redact);
          if (onError !== undefined && IS_ERROR.test(safe)) onError(safe);
          return safe;
        },
      },
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
}

/** One line an event, without characters that control a terminal. */
function textLine(line: string): string {
  const { level, time, pid, msg, component, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  // Among workers the pid shows which process wrote the line; in a single process the component is enough.
  const source = rest["worker"] === undefined || component === undefined ? {} : { pid };
  const details = Object.entries({ ...rest, ...source }).map(
    ([name, value]) => `${name}=${textValue(value)}`,
  );
  if (err !== null && typeof err === "object" && "message" in err)
    details.push(`cause=${JSON.stringify(String(err.message))}`);
  const head = `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)}`;
  const said = `${head} ${String(component ?? `pid ${String(pid)}`).padEnd(9)} ${String(msg)}`;
  return `${visible([said, details.join(" ")].filter((part) => part !== "").join("  "))}\n`;
}

/** In quotes, as JSON, wherever a reader could take a part of the value for another field. */
function textValue(value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const isOne = typeof value === "object" ? !/[\s=]/u.test(text) : /^[^\s="\\]+$/u.test(text);
  return isOne && visible(text) === text ? text : JSON.stringify(text);
}
