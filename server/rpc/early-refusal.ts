import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  endStreamFlag,
  endStreamToJson,
  errorToJson,
  contentTypeStreamRegExp as STREAM,
} from "@connectrpc/connect/protocol-connect";
import { contentTypeRegExp as GRPC, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import {
  contentTypeRegExp as GRPC_WEB,
  trailerFlag,
  trailerSerialize,
} from "@connectrpc/connect/protocol-grpc-web";

/** A body up to this long is discarded: a client that finds its connection closed misses the answer. */
const DISCARDED_BYTES_MAX = 64 * 1024;

export type WholeAnswer = {
  readonly status: number;
  readonly fields: Record<string, string>;
  readonly body: Uint8Array;
};

/**
 * Answers a request with an error before anything of its body is read, in the protocol of the request. The
 * framework cannot: it decodes the message of a unary call before any interceptor runs.
 */
export function refuseEarly(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  error: ConnectError,
): void {
  const { status, fields, body } = answerOf(String(request.headers["content-type"] ?? ""), error);
  // Node itself resets an HTTP/2 stream whose request was not read.
  if (!("stream" in request)) {
    if (Number(request.headers["content-length"] ?? 0) > DISCARDED_BYTES_MAX) fields["connection"] = "close";
    else discardBody(request);
  }
  // Each class has its own overloads of the same method.
  (response as ServerResponse).writeHead(status, fields);
  if (body.length === 0) response.end();
  else (response as ServerResponse).end(body);
}

function discardBody(request: IncomingMessage): void {
  let leftBytes = DISCARDED_BYTES_MAX;
  request.on("data", (piece: Buffer) => {
    leftBytes -= piece.length;
    if (leftBytes < 0) request.socket.destroy();
  });
}

/** An error as the whole answer to a request with this content type. */
export function answerOf(contentType: string, error: ConnectError): WholeAnswer {
  if (GRPC.test(contentType)) {
    // A head that is the whole answer ("Trailers-Only"): its fields are those of the trailers.
    return {
      status: 200,
      fields: { ...fieldsOf(setTrailerStatus(new Headers(), error)), "content-type": contentType },
      body: new Uint8Array(),
    };
  }
  if (GRPC_WEB.test(contentType)) {
    const trailers = trailerSerialize(setTrailerStatus(new Headers(), error));
    return {
      status: 200,
      fields: { "content-type": contentType },
      body: encodeEnvelope(trailerFlag, trailers),
    };
  }
  const metadata = fieldsOf(error.metadata);
  if (STREAM.test(contentType)) {
    const end = JSON.stringify(endStreamToJson(error.metadata, error, undefined));
    return {
      status: 200,
      fields: { "content-type": contentType },
      body: encodeEnvelope(endStreamFlag, Buffer.from(end)),
    };
  }
  return {
    status: codeToHttpStatus(error.code),
    fields: { ...metadata, "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(errorToJson(error, undefined))),
  };
}

function fieldsOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(headers.entries());
}
