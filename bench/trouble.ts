/** An error that the user at the terminal can correct: shown as one line, without a stack trace. */
export class Trouble extends Error {
  override readonly name = "Trouble";
}

/** The process received SIGINT (Ctrl-C) or SIGTERM. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Ctrl-C under npm arrives twice, from the terminal and from npm: within this time it counts as one. */
const SAME_SIGNAL_MS = 300;

/**
 * Aborts on the first SIGINT or SIGTERM, so that all resources are released; a second one ends the process at
 * once (the watchdog ends its children).
 */
export function abortOnSignals(controller: AbortController): void {
  let firstAtMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAtMs !== undefined) {
      if (performance.now() - firstAtMs < SAME_SIGNAL_MS) return;
      process.exit(130);
    }
    firstAtMs = performance.now();
    controller.abort(new Interrupted(signal));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

/** One line about anything that was thrown. */
export function inOneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").join(" ").replace(/\s+/g, " ").trim();
}
