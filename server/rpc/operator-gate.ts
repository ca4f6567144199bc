import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import type { AuthenticateOperator, OperatorPrincipal } from "../../access/operators.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import { refuseEarly } from "./early-refusal.ts";
import { denialOf, OPERATORS_PREFIX } from "./operator-rights.ts";
import { toConnectError } from "./rpc-status.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

export type OperatorGateDeps = {
  readonly authenticate: AuthenticateOperator;
  readonly clock: Pick<Clock, "now">;
};

export type OperatorGate = {
  /** Passes a request on, unless it calls the operators' service and may not. */
  readonly guard: <Q extends AnyRequest, S extends AnyResponse>(
    next: (request: Q, response: S) => void,
  ) => (request: Q, response: S) => void;
  /** Adds the operator, whom `guard` found, to the values of a call. */
  readonly addOperator: (values: ContextValues, request: AnyRequest) => ContextValues;
};

const key = createContextKey<OperatorPrincipal | undefined>(undefined, {
  description: "the operator of a call",
});

/**
 * Authenticates the callers of the operators' service from the heads of their requests: before a stranger has
 * its body read, decompressed and decoded.
 */
export function createOperatorGate({ authenticate, clock }: OperatorGateDeps): OperatorGate {
  const found = new WeakMap<AnyRequest, OperatorPrincipal>();

  function judge(request: AnyRequest, path: string): Refusal | undefined {
    const answer = authenticate(request.headers.authorization);
    if (answer.kind !== "operator") return { reason: "UNAUTHENTICATED", why: answer.why };
    found.set(request, answer.operator);
    return denialOf(answer.operator, path);
  }

  return {
    guard: (next) => (request, response) => {
      const [path = ""] = (request.url ?? "").split("?", 1);
      if (!path.startsWith(OPERATORS_PREFIX)) return next(request, response);
      const refusal = judge(request, path);
      if (refusal === undefined) next(request, response);
      else refuseEarly(request, response, toConnectError(refusal, clock.now()));
    },
    addOperator: (values, request) => values.set(key, found.get(request)),
  };
}

/** The operator of a call. @throws where there is none: the call did not pass the gate */
export function operatorIn(values: ContextValues): OperatorPrincipal {
  const operator = values.get(key);
  if (operator === undefined) throw new Error("a call of the operators' service without an operator");
  return operator;
}

/**
 * The second line: no call of the operators' service reaches its handler without an operator who may make it,
 * even if it came by a way that has no gate.
 */
export function operatorInterceptor(clock: Pick<Clock, "now">): Interceptor {
  return (next) => (request) => {
    if (request.service.typeName === CampaignService.typeName) {
      const operator = request.contextValues.get(key);
      const refusal: Refusal | undefined =
        operator === undefined
          ? { reason: "UNAUTHENTICATED", why: "the operator of this call is not known" }
          : denialOf(operator, OPERATORS_PREFIX + request.method.name);
      if (refusal !== undefined) throw toConnectError(refusal, clock.now());
    }
    return next(request);
  };
}
