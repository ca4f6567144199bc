import type { FileRegistry } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Schema, Schemas } from "./schemas.ts";

const DETAILS = [
  "coupon.v1.Refusal",
  "google.rpc.ErrorInfo",
  "google.rpc.RetryInfo",
  "google.rpc.BadRequest",
];
export const ERROR = "connect.Error";
const DETAIL = "connect.ErrorDetail";

/** The shape of an error of the Connect protocol, with the details that this service sends. */
export function errorSchemas(schemas: Schemas, registry: FileRegistry): Record<string, Schema> {
  const details = DETAILS.map((name) => {
    const message = registry.getMessage(name);
    if (message === undefined) throw new Error(`the contract has no ${name}`);
    return schemas.of(message);
  });
  const codes = Object.values(Code).filter((code) => typeof code === "number");
  return {
    [ERROR]: {
      type: "object",
      description:
        "An error of the Connect protocol (https://connectrpc.com/docs/protocol#error-end-stream).",
      required: ["code"],
      properties: {
        code: { type: "string", description: "The code of the RPC.", enum: codes.map(codeToString) },
        message: { type: "string", description: "The reason, for people." },
        details: {
          type: "array",
          description:
            "The reason, for programs. A refusal has coupon.v1.Refusal, every error google.rpc.ErrorInfo.",
          items: { $ref: `#/components/schemas/${DETAIL}` },
        },
      },
    },
    [DETAIL]: {
      type: "object",
      description: "A detail of an error, twice: in binary, and readable.",
      required: ["type", "value"],
      properties: {
        type: { type: "string", description: "The full name of its message.", examples: DETAILS },
        value: {
          type: "string",
          description: "The message, in binary, without padding.",
          contentEncoding: "base64",
        },
        debug: { description: "The message as JSON.", anyOf: details },
      },
    },
  };
}

const REFUSED = { content: { "application/json": { schema: { $ref: `#/components/schemas/${ERROR}` } } } };
const headers = {
  "Retry-After": {
    description: "When to ask again, in whole seconds, rounded up.",
    schema: { type: "integer" },
  },
};

export const errorResponses = {
  Refused: {
    description:
      "The call was refused: invalid_argument and failed_precondition are 400, unauthenticated 401, permission_denied 403, not_found 404, already_exists 409, resource_exhausted 429.",
    headers,
    ...REFUSED,
  },
  Failed: {
    description:
      "unavailable is 503 and deadline_exceeded 504: ask again with the same key; internal and data_loss are 500.",
    headers,
    ...REFUSED,
  },
} as const;
