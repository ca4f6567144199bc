import type { Redact } from "./redactor.ts";

/** How deep a chain of causes is redacted. */
const CAUSES_MAX = 8;

/**
 * Node itself prints uncaught errors and warnings, with all properties of the error: the `input` of an
 * invalid URL, for one. After this call such an error is redacted before Node prints it. An uncaught error
 * still ends the process.
 */
export function redactCrashes(redact: Redact): void {
  process.on("uncaughtExceptionMonitor", (error: unknown) => redactError(error, redact));
  process.prependListener("warning", (warning) => redactError(warning, redact));
}

/** Redacts in place every text among the properties of the error and of its causes. */
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
