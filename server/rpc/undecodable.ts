import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  endStreamFlag,
  endStreamFromJson,
  errorFromJsonBytes,
  contentTypeStreamRegExp as STREAM,
} from "@connectrpc/connect/protocol-connect";
import { findTrailerError, contentTypeRegExp as GRPC } from "@connectrpc/connect/protocol-grpc";
import {
  contentTypeRegExp as GRPC_WEB,
  trailerFlag,
  trailerParse,
} from "@connectrpc/connect/protocol-grpc-web";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { Clock } from "../../runtime/clock.ts";
import { traceIn } from "../http/call-traces.ts";
import { noteAnswer } from "./call-meter.ts";
import { answerOf } from "./early-refusal.ts";
import { withErrorInfo } from "./error-info.ts";
import { toConnectError } from "./rpc-status.ts";
import type { TellTrouble } from "./trouble.ts";

/** How the framework words what is the caller's mistake, although it calls it `internal`. */
const UNDECODABLE = /^(parse binary: |decompression failed$)/;
const HEAD_BYTES = 5;

/**
 * A request that cannot be decoded is refused as INVALID on every transport: the framework answers `internal`
 * (HTTP 500) where protobuf is malformed or a compressed body is cut off, as if the server were at fault. It
 * adds no details to its own errors: they get their ErrorInfo here. Where it fails itself it answers nothing,
 * and the call would stay for ever: such a call is answered `internal`.
 */
export function tellingUndecodable(
  handler: UniversalHandler,
  { clock, tellTrouble }: { readonly clock: Pick<Clock, "now">; readonly tellTrouble: TellTrouble },
): UniversalHandler {
  const { method, service } = handler;
  const run = async (request: Parameters<UniversalHandler>[0]): Promise<UniversalServerResponse> => {
    const contentType = request.header.get("content-type") ?? "";
    try {
      const { error, response } = await errorIn(await handler(request), contentType);
      if (error === undefined) return response;
      const told = isUndecodable(error) ? refusalOf(error, clock.now()) : withErrorInfo(error);
      noteAnswer(request.contextValues, told.code);
      return told === error ? response : wholeAnswer(contentType, told);
    } catch (error) {
      if (request.signal.aborted) throw error;
      const told = tellTrouble(error, `${service.typeName}/${method.name}`, traceIn(request.contextValues));
      noteAnswer(request.contextValues, told.code);
      return wholeAnswer(contentType, told);
    }
  };
  return Object.assign(run, { ...handler });
}

function wholeAnswer(contentType: string, error: ConnectError): UniversalServerResponse {
  const { status, fields, body } = answerOf(contentType, error);
  const header = new Headers(fields);
  if (status !== 200) header.set("content-length", String(body.length));
  return { status, header, body: one(body) };
}

function refusalOf({ rawMessage }: ConnectError, nowMs: number): ConnectError {
  const allowed = `is malformed: ${rawMessage}`;
  return toConnectError({ reason: "INVALID", field: "request", allowed }, nowMs);
}

function isUndecodable(error: ConnectError): boolean {
  if (error.code === Code.Internal) return UNDECODABLE.test(error.rawMessage);
  return error.code === Code.InvalidArgument && error.findDetails(RefusalSchema).length === 0;
}

type Read = { readonly error: ConnectError | undefined; readonly response: UniversalServerResponse };

/** The error that an answer consists of, and the answer with what was read of it put back. */
async function errorIn(response: UniversalServerResponse, contentType: string): Promise<Read> {
  if (GRPC.test(contentType)) {
    const error = response.trailer === undefined ? undefined : findTrailerError(response.trailer);
    return { error, response };
  }
  const isFramed = GRPC_WEB.test(contentType) || STREAM.test(contentType);
  if (response.body === undefined || (!isFramed && response.status < 400))
    return { error: undefined, response };
  const rest = response.body[Symbol.asyncIterator]();
  const first = await rest.next();
  const error = first.done === true ? undefined : isFramed ? lastFrameIn(first.value) : plainIn(first.value);
  return { error, response: { ...response, body: withFirst(first, rest) } };
}

/** The error of a frame that ends a stream, where it is the first one. */
function lastFrameIn(bytes: Uint8Array): ConnectError | undefined {
  const [flags = 0] = bytes;
  const data = bytes.subarray(HEAD_BYTES);
  if (flags === trailerFlag) return findTrailerError(trailerParse(data));
  if (flags === endStreamFlag) return endStreamFromJson(data).error;
  return undefined;
}

const NO_ERROR = new ConnectError("");

function plainIn(bytes: Uint8Array): ConnectError | undefined {
  try {
    return errorFromJsonBytes(bytes, undefined, NO_ERROR);
  } catch {
    return undefined;
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** Goes on reading where `first` was read, and passes the end of the reading on. */
function withFirst(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  let isGiven = false;
  const next = () => {
    if (isGiven) return rest.next();
    isGiven = true;
    return Promise.resolve(first);
  };
  const iterator: AsyncIterator<Uint8Array> = { next };
  if (rest.throw !== undefined) iterator.throw = rest.throw.bind(rest);
  if (rest.return !== undefined) iterator.return = rest.return.bind(rest);
  return { [Symbol.asyncIterator]: () => iterator };
}
