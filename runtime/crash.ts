import type { Redact } from "./redactor.ts";

/** The most causes of causes that are looked at. */
const CAUSES_MAX = 8;

/**
 * What nobody catches, and what Node warns of, is printed by Node itself, with all that hangs on the error:
 * the `input` of an invalid URL, for one. From this call on such an error is redacted before Node prints it
 * and ends the process, as it would without.
 */
export function redactCrashes(redact: Redact): void {
  process.on("uncaughtExceptionMonitor", (error: unknown) => redactError(error, redact));
  process.prependListener("warning", (warning) => redactError(warning, redact));
}

/** In place: every text that hangs on the error or on one of its causes. */
export function redactError(error: unknown, redact: Redact, causesMax = CAUSES_MAX): void {
  if (!(error instanceof Error)) return;
  for (const name of new Set(["message", "stack", ...Object.getOwnPropertyNames(error)])) {
    const value: unknown = Reflect.get(error, name);
    const enumerable = Object.getOwnPropertyDescriptor(error, name)?.enumerable ?? false;
    if (typeof value === "string")
      Reflect.defineProperty(error, name, {
        value: redact(value),
        enumerable,
        configurable: true,
        writable: true,
      });
    if (causesMax > 0)
      for (const cause of Array.isArray(value) ? value : [value]) redactError(cause, redact, causesMax - 1);
  }
}
