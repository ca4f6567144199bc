import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { ConnectError, type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { actorOf, type OperatorPrincipal } from "../../access/operators.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { visible } from "../../runtime/visible.ts";
import { type CallTraces, createCallTraces } from "../http/call-traces.ts";
import { methodAt, type OperatorMethod } from "./operator-rights.ts";
import { OPERATOR_SERVICES } from "./services.ts";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/** One line for each call of an operator, when its answer has ended: a stream's at the end of the stream. */
export type OperatorCallLog = {
  /** Called with each request of a known operator; `refusal`: it is answered with it. */
  begin(
    request: AnyRequest,
    response: AnyResponse,
    by: OperatorPrincipal,
    refusal: Refusal | undefined,
  ): void;
  /** Lets `interceptor` find the call of a request. */
  addCall(values: ContextValues, request: AnyRequest): ContextValues;
  /** The outermost: it notes what the caller is answered. */
  readonly interceptor: Interceptor;
};

/** What is known of a call so far. */
type Call = {
  readonly by: OperatorPrincipal;
  readonly method: string;
  actor: string;
  campaign: string;
  sink: string;
  /** undefined: not answered yet. */
  answer: string | undefined;
  /** A unary call whose handler runs: the caller may have left, and the change is made all the same. */
  isRunning: boolean;
  /** Whether it changes a campaign or reads codes or their holders. */
  isWeighty: boolean;
  onEnd: () => void;
};

/** Methods that read neither codes nor users. GetCampaign is one of them where it is asked for no codes. */
const LIGHT: ReadonlySet<string> = new Set<OperatorMethod>([
  ...(["listCampaigns", "watchCampaign", "listHistory", "getCampaignStats", "describeFormats"] as const),
  ...(["preflightCampaign", "verifyCampaign", "getSelf"] as const),
  ...(["listSinks", "getSink", "listDeadLetters"] as const),
]);
const LIGHT_NAMES: ReadonlySet<string> = new Set(
  OPERATOR_SERVICES.flatMap(({ methods }) => methods)
    .filter(({ localName }) => LIGHT.has(localName))
    .map(({ name }) => name),
);
/** The fields that name a sink, in requests of methods with this in their names. */
const SINK_FIELDS = [
  ["Sink", "name"],
  ["DeadLetters", "sink"],
] as const;
const ID_LENGTH_MAX = 40;
const SINK_LENGTH_MAX = 63;
const ACTOR_LENGTH_MAX = 100;

const key = createContextKey<Call | undefined>(undefined, { description: "the logged call of an operator" });

export function createOperatorCallLog(
  logger: Logger,
  clock: Pick<Clock, "elapsed">,
  traces: Pick<CallTraces, "traceOf"> = createCallTraces(),
): OperatorCallLog {
  const calls = new WeakMap<AnyRequest, Call>();

  return {
    begin(request, response, by, refusal) {
      const [path = ""] = (request.url ?? "").split("?", 1);
      const method = methodAt(path) ?? "unknown";
      const beganMs = clock.elapsed();
      const { callId } = traces.traceOf(request);
      const answer = refusal?.reason.toLowerCase();
      const call: Call = {
        ...{ by, method, actor: by.name, campaign: "", sink: "", answer, isRunning: false },
        isWeighty: !LIGHT_NAMES.has(method),
        onEnd: () => undefined,
      };
      calls.set(request, call);
      const tell = () => {
        const { actor, campaign, sink } = call;
        const told = call.answer ?? (response.writableEnded ? `http_${response.statusCode}` : "canceled");
        const durationMs = Math.round(clock.elapsed() - beganMs);
        const who = { component: "access", method, actor, role: by.role };
        const of = { ...(campaign === "" ? {} : { campaign }), ...(sink === "" ? {} : { sink }) };
        const line = { ...who, ...of, answer: told, durationMs, callId };
        logger[call.isWeighty ? "info" : "debug"](line, "operator's call");
      };
      response.once("close", () => {
        if (call.isRunning) call.onEnd = tell;
        else tell();
      });
    },
    addCall: (values, request) => values.set(key, calls.get(request)),
    interceptor: (next) => async (request) => {
      const call = request.contextValues.get(key);
      if (call === undefined) return next(request);
      call.isRunning = !request.stream;
      try {
        if (!request.stream) noteAsked(call, request.message);
        const response = await next(
          request.stream
            ? { ...request, message: noted(request.message, (asked) => noteAsked(call, asked)) }
            : request,
        );
        if (response.stream) return { ...response, message: ended(response.message, call) };
        noteCampaign(call, fieldOf(response.message, "campaign"), "id");
        call.answer = "ok";
        return response;
      } catch (error) {
        call.answer = codeOf(error);
        throw error;
      } finally {
        call.isRunning = false;
        call.onEnd();
      }
    },
  };
}

function noteAsked(call: Call, asked: unknown): void {
  noteCampaign(call, asked, "campaignId");
  noteSink(call, asked);
  const actor = fieldOf(asked, "actor");
  if (typeof actor === "string") call.actor = actorOf(call.by, shown(actor, ACTOR_LENGTH_MAX));
  if (fieldOf(asked, "view") === CampaignView.BASIC) call.isWeighty = false;
}

/** The campaign of the request; of one that is created, that of the answer. */
function noteCampaign(call: Call, message: unknown, field: string): void {
  const id = fieldOf(message, field);
  if (call.campaign === "" && typeof id === "string") call.campaign = shown(id, ID_LENGTH_MAX).toUpperCase();
}

function noteSink(call: Call, asked: unknown): void {
  const field = SINK_FIELDS.find(([what]) => call.method.includes(what))?.[1];
  const name = field === undefined ? undefined : fieldOf(asked, field);
  if (typeof name === "string") call.sink = shown(name, SINK_LENGTH_MAX);
}

const shown = (text: string, lengthMax: number): string => visible(text.slice(0, lengthMax));
const codeOf = (error: unknown): string => codeToString(ConnectError.from(error).code);

function fieldOf(message: unknown, name: string): unknown {
  return typeof message === "object" && message !== null ? Reflect.get(message, name) : undefined;
}

async function* noted<T>(messages: AsyncIterable<T>, note: (message: T) => void): AsyncGenerator<T> {
  for await (const message of messages) {
    note(message);
    yield message;
  }
}

async function* ended<T>(messages: AsyncIterable<T>, call: Call): AsyncGenerator<T> {
  // A caller that leaves is not always told to the end of the stream.
  call.answer = "canceled";
  try {
    yield* messages;
    call.answer = "ok";
  } catch (error) {
    call.answer = codeOf(error);
    throw error;
  }
}
