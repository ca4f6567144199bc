import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { createFailedAttempts } from "../../access/failed-attempts.ts";
import type { NoOperator } from "../../access/operators.ts";
import { createRefusalLog } from "../../access/refusal-log.ts";
import { type Refusal, STORE_AWAY } from "../../campaign/refusal.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { sourceGroupOf } from "../../runtime/source-group.ts";
import { visible } from "../../runtime/visible.ts";
import { type CallTraces, createCallTraces } from "../http/call-traces.ts";
import type { SourceAddressOf } from "../http/source-address.ts";
import type { ForeignTo } from "./foreign-request.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;

/** The attempts to operate that fail: refused, slowed down, counted and logged. */
export type OperatorAttempts = {
  /** Why a request is refused before its credential is compared; undefined: it is not. */
  before(request: AnyRequest): Refusal | undefined;
  /** The refusal of a request whose credential makes nobody an operator. */
  failed(request: AnyRequest, answer: NoOperator): Refusal;
};

export type OperatorAttemptsDeps = {
  readonly foreignTo: ForeignTo;
  readonly sourceAddressOf: SourceAddressOf;
  readonly clock: Pick<Clock, "elapsed">;
  readonly traces?: Pick<CallTraces, "traceOf">;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, "operatorAttemptsFailed">;
};

const SHOWN_MAX = 100;

export function createOperatorAttempts(deps: OperatorAttemptsDeps): OperatorAttempts {
  const { foreignTo, sourceAddressOf, clock, logger, metrics, traces = createCallTraces() } = deps;
  const attempts = createFailedAttempts(clock);
  const tellRefusal = createRefusalLog(logger, clock);

  function tell(request: AnyRequest, why: string, facts: Readonly<Record<string, string>> = {}): void {
    tellRefusal(sourceAddressOf(request), why, { ...facts, callId: traces.traceOf(request).callId });
  }

  function limited(request: AnyRequest, retryAfterMs: number): Refusal {
    metrics.operatorAttemptsFailed.inc({ why: "limited" });
    tell(request, "limited");
    return { reason: "RATE_LIMITED", by: "attempts", retryAfterMs };
  }

  return {
    before(request) {
      const { headers } = request;
      const address = sourceAddressOf(request);
      const foreign = foreignTo(request);
      if (foreign !== undefined) {
        metrics.operatorAttemptsFailed.inc({ why: "foreign" });
        tell(request, "foreign", {
          host: shown(headers[":authority"] ?? headers.host),
          origin: shown(headers.origin),
        });
        return { reason: "PERMISSION_DENIED", why: foreign };
      }
      const waitMs = attempts.waitMs(sourceGroupOf(address), headers.authorization);
      return waitMs > 0 ? limited(request, waitMs) : undefined;
    },
    failed(request, { kind, why }) {
      if (kind === "undecided") return { ...STORE_AWAY, why };
      const address = sourceAddressOf(request);
      // A call without a credential guesses nothing, nor does one with a valid one.
      const waitMs = kind !== "wrong" ? 0 : attempts.failed(sourceGroupOf(address));
      if (waitMs > 0) return limited(request, waitMs);
      metrics.operatorAttemptsFailed.inc({ why: kind });
      if (kind === "wrong") tell(request, kind);
      return { reason: kind === "denied" ? "PERMISSION_DENIED" : "UNAUTHENTICATED", why };
    },
  };
}

function shown(field: string | string[] | undefined): string {
  return visible(String(field ?? "").slice(0, SHOWN_MAX));
}
