import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import {
  createEventEnvelope,
  createStackParser,
  createTransport,
  getEnvelopeEndpointWithUrlEncodedAuth,
  makeDsn,
  SDK_VERSION,
} from "@sentry/core";
import { nodeStackLineParser } from "@sentry/core/server";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { productVersion } from "../../runtime/version.ts";
import { sentryEventOf } from "./sentry-event.ts";
import { createTokenBucket } from "./token-bucket.ts";

/** Where error lines go beside the log. */
export type ErrorReports = {
  /** Takes a line of the level error or fatal, as the log has it, redacted. Never throws, never waits. */
  take(line: string): void;
  /** Resolves when what is being sent is sent, within a second. */
  flush(): Promise<void>;
};

export type SentryOptions = {
  readonly dsn: string;
  readonly environment: string;
  readonly release: string | undefined;
  readonly clock: Pick<Clock, "elapsed">;
  readonly logger: Logger;
};

/** Events of a process at once, and one more after each EVENT_EVERY_MS. */
const EVENTS_MOST = 30;
const EVENT_EVERY_MS = 2_000;
/** Those of one message: a flood of it must leave room for another one. */
const ALIKE_MOST = 5;
const ALIKE_EVERY_MS = 30_000;
const MESSAGES_MAX = 200;
/** Events that are being sent; one more is dropped. */
const SENDING_MAX = 30;
const SEND_DEADLINE_MS = 5_000;
const FLUSH_DEADLINE_MS = 1_000;

/**
 * Sends error lines to Sentry. Of its library only the envelope, its transport (which heeds what Sentry says
 * about rates) and the parser of stacks: nothing of it hooks into the process or looks at a request.
 */
export function createSentry(options: SentryOptions): ErrorReports {
  const { clock, environment, release = `coupon-issuer@${productVersion()}` } = options;
  const logger = options.logger.child({ component: "telemetry" });
  const dsn = makeDsn(options.dsn);
  if (dsn === undefined)
    throw new Error("SENTRY_DSN was checked with the settings and is wrong all the same");
  const sdk = { name: "sentry.javascript.core", version: SDK_VERSION };
  const url = getEnvelopeEndpointWithUrlEncodedAuth(dsn, undefined, sdk);
  const stackParser = createStackParser(nodeStackLineParser());
  const facts = { environment, release, serverName: hostname() };
  const anyToken = createTokenBucket({ most: EVENTS_MOST, everyMs: EVENT_EVERY_MS, clock });
  const alike = new Map<unknown, () => boolean>();
  let untold = 0;
  let isFailing = false;

  const transport = createTransport(
    { bufferSize: SENDING_MAX, recordDroppedEvent: () => undefined },
    async ({ body }) => {
      const answer = await fetch(url, {
        ...{ method: "POST", body: body as BodyInit, redirect: "error" },
        headers: { "content-type": "application/x-sentry-envelope" },
        signal: AbortSignal.timeout(SEND_DEADLINE_MS),
      });
      await answer.body?.cancel();
      if (!answer.ok && answer.status !== 429) throw new Error(`Sentry answers with HTTP ${answer.status}`);
      const field = (name: string) => answer.headers.get(name);
      const limits = { "x-sentry-rate-limits": field("x-sentry-rate-limits") };
      return { statusCode: answer.status, headers: { ...limits, "retry-after": field("retry-after") } };
    },
  );

  function mayTell(message: unknown): boolean {
    let ofMessage = alike.get(message);
    if (ofMessage === undefined) {
      if (alike.size >= MESSAGES_MAX) alike.clear();
      ofMessage = createTokenBucket({ most: ALIKE_MOST, everyMs: ALIKE_EVERY_MS, clock });
      alike.set(message, ofMessage);
    }
    return ofMessage() && anyToken();
  }

  /** At the level warn: a line about Sentry must not go to Sentry. */
  function noteSent(error: unknown): void {
    if (error !== undefined && !isFailing)
      logger.warn({ err: error }, "Sentry does not take error reports; this log has all of them");
    if (error === undefined && isFailing) logger.info("Sentry takes error reports again");
    isFailing = error !== undefined;
  }

  function send(line: Record<string, unknown>): void {
    if (!mayTell(line["msg"])) {
      untold += 1;
      return;
    }
    const told = untold > 0 ? { ...line, untold } : line;
    untold = 0;
    const event = sentryEventOf(told, randomUUID().replaceAll("-", ""), facts, stackParser);
    transport.send(createEventEnvelope(event, dsn, { sdk })).then(() => noteSent(undefined), noteSent);
  }

  return {
    take(line) {
      // It is called where the line is written: what is wrong with a report must not end the writer's work.
      try {
        send(JSON.parse(line) as Record<string, unknown>);
      } catch (error) {
        noteSent(error);
      }
    },
    async flush() {
      await transport.flush(FLUSH_DEADLINE_MS);
    },
  };
}
