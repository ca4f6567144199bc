import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeFromString, codeToString, errorToJson } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema } from "../../proto/gen/google/rpc/error_details_pb.ts";
import { DOMAIN } from "./error-details.ts";

/** How the framework words that it does not know the compression of a request. */
const UNKNOWN_COMPRESSION = /^unknown compression /;

/**
 * An error that is no refusal (the framework's own, a bug, a passed deadline) with the detail that every
 * error has: google.rpc.ErrorInfo, by whose reason clients and dashboards tell errors of one code apart. An
 * error with details is returned unchanged.
 */
export function withErrorInfo(error: ConnectError): ConnectError {
  if (error.details.length > 0) return error;
  const { rawMessage, code, metadata, cause } = error;
  const value = create(ErrorInfoSchema, { reason: reasonOf(error), domain: DOMAIN });
  return new ConnectError(rawMessage, code, metadata, [{ desc: ErrorInfoSchema, value }], cause);
}

function reasonOf({ code, rawMessage }: ConnectError): string {
  // The limits of this service are refusals: without a detail it is the framework's limit of a message.
  if (code === Code.ResourceExhausted) return "REQUEST_TOO_LARGE";
  if (code === Code.Unimplemented && UNKNOWN_COMPRESSION.test(rawMessage)) return "UNKNOWN_COMPRESSION";
  return codeToString(code).toUpperCase();
}

/** The body of an error that is written beside the framework. `code`: as the Connect protocol spells it. */
export function errorBody(code: "unimplemented" | "invalid_argument", message: string) {
  return errorToJson(withErrorInfo(new ConnectError(message, codeFromString(code))), undefined);
}
