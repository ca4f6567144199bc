import { systemClock } from "../runtime/clock.ts";
import type { Config } from "../runtime/config.ts";
import { createLogger, type Logger, type LoggerOptions } from "../runtime/logger.ts";
import type { ErrorReports } from "./telemetry/sentry.ts";

export type ReportingLogger = {
  readonly logger: Logger;
  /** Before the process ends. */
  readonly flush: () => Promise<void>;
};

/** The logger of a process. Its error lines go to Sentry, too, where SENTRY_DSN is set. */
export async function createReportingLogger(
  config: Config,
  options: Pick<LoggerOptions, "redact" | "worker">,
): Promise<ReportingLogger> {
  const { SENTRY_DSN: dsn, SENTRY_ENVIRONMENT: environment, SENTRY_RELEASE: release } = config;
  const given = { ...options, level: config.LOG_LEVEL, format: config.LOG_FORMAT };
  if (dsn === undefined) return { logger: createLogger(given), flush: () => Promise.resolve() };
  // Loaded only here: it costs memory and time at the start.
  const { createSentry } = await import("./telemetry/sentry.ts");
  let reports: ErrorReports | undefined;
  const logger = createLogger({ ...given, onError: (line) => reports?.take(line) });
  reports = createSentry({ dsn, environment, release, logger, clock: systemClock });
  return { logger, flush: reports.flush };
}
