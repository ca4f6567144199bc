import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import {
  type ConnectError,
  type ContextValues,
  createContextKey,
  type Interceptor,
} from "@connectrpc/connect";
import type { AuthenticateOperator, OperatorAnswer, OperatorPrincipal } from "../../access/operators.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type CallTraces, createCallTraces } from "../http/call-traces.ts";
import { hasLeft } from "../http/turns.ts";
import type { CallMeter } from "./call-meter.ts";
import { refuseEarly } from "./early-refusal.ts";
import type { OperatorAttempts } from "./operator-attempts.ts";
import type { OperatorCallLog } from "./operator-call-log.ts";
import { denialOf } from "./operator-rights.ts";
import { toConnectError } from "./rpc-status.ts";
import { isOperatorsPath } from "./services.ts";
import type { TellTrouble } from "./trouble.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

export type OperatorGateDeps = {
  readonly authenticate: AuthenticateOperator;
  readonly tellTrouble: TellTrouble;
  readonly attempts: OperatorAttempts;
  readonly calls: Pick<OperatorCallLog, "begin">;
  readonly clock: Pick<Clock, "now">;
  readonly meter?: Pick<CallMeter, "refuses">;
  readonly traces?: Pick<CallTraces, "traceOf">;
};

export type OperatorGate = {
  /** Passes a request on, unless it calls an operators' service and may not. */
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
 * Authenticates the callers of the operators' services from the heads of their requests: before a
 * stranger has its body read, decompressed and decoded. Nothing of a body is read while its request waits,
 * so nothing of it is lost.
 */
export function createOperatorGate(deps: OperatorGateDeps): OperatorGate {
  const { authenticate, attempts, calls, tellTrouble, clock, meter, traces = createCallTraces() } = deps;
  const found = new WeakMap<AnyRequest, OperatorPrincipal>();

  function judge(request: AnyRequest, path: string, answer: OperatorAnswer): Refusal | undefined {
    if (answer.kind !== "operator") return attempts.failed(request, answer);
    found.set(request, answer.operator);
    return denialOf(answer.operator, path);
  }

  return {
    guard: (next) => (request, response) => {
      const [path = ""] = (request.url ?? "").split("?", 1);
      if (!isOperatorsPath(path)) return next(request, response);
      const refuse = (error: ConnectError) => {
        meter?.refuses(request, error.code);
        refuseEarly(request, response, error);
      };
      const decide = (answer: OperatorAnswer) => {
        const refusal = judge(request, path, answer);
        const operator = found.get(request);
        if (operator !== undefined) calls.begin(request, response, operator, refusal);
        if (refusal === undefined) next(request, response);
        else refuse(toConnectError(refusal, clock.now()));
      };
      const refused = attempts.before(request);
      if (refused !== undefined) return refuse(toConnectError(refused, clock.now()));
      const answer = authenticate(request.headers.authorization);
      if (!(answer instanceof Promise)) return decide(answer);
      // A caller that has left while its request waited costs nothing more.
      answer.then(
        (decided) => hasLeft(request) || decide(decided),
        (error: unknown) =>
          hasLeft(request) || refuse(tellTrouble(error, path.slice(1), traces.traceOf(request))),
      );
    },
    addOperator: (values, request) => values.set(key, found.get(request)),
  };
}

/** The operator of a call. @throws where there is none: the call did not pass the gate */
export function operatorIn(values: ContextValues): OperatorPrincipal {
  const operator = values.get(key);
  if (operator === undefined) throw new Error("a call of an operators' service without an operator");
  return operator;
}

/**
 * The second line: no call of an operators' service reaches its handler without an operator who may make it,
 * even if it came by a way that has no gate.
 */
export function operatorInterceptor(clock: Pick<Clock, "now">): Interceptor {
  return (next) => (request) => {
    const path = `/${request.service.typeName}/${request.method.name}`;
    if (isOperatorsPath(path)) {
      const operator = request.contextValues.get(key);
      const refusal: Refusal | undefined =
        operator === undefined
          ? { reason: "UNAUTHENTICATED", why: "the operator of this call is not known" }
          : denialOf(operator, path);
      if (refusal !== undefined) throw toConnectError(refusal, clock.now());
    }
    return next(request);
  };
}
