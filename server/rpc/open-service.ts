import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { cors } from "@connectrpc/connect";
import { CHALLENGE_HEADER } from "../../claims/issue.ts";
import { CALL_ID } from "../http/call-ids.ts";
import type { OpenService } from "../http/cross-origin.ts";

/** The trace that a page is in. */
const TRACE_FIELDS = ["traceparent", "tracestate"];
/** Beside those of Connect and gRPC-Web: a credential, and what the shop's hook is asked with. */
const ALLOWED = lowerCase([...cors.allowedHeaders, "authorization", CHALLENGE_HEADER, ...TRACE_FIELDS]);
/** Beside those: how long to wait, what tells the age of an answer that a cache had, and the call's id. */
const EXPOSED = lowerCase([...cors.exposedHeaders, "retry-after", "age", "date", CALL_ID]);

/** What of a service pages of these origins may call, over Connect and gRPC-Web. */
export function openService({ typeName, methods }: DescService, origins: readonly string[]): OpenService {
  return {
    ...{ prefix: `/${typeName}/`, origins, allowed: ALLOWED, exposed: EXPOSED },
    methods: new Map(methods.map((method) => [`/${typeName}/${method.name}`, httpMethodsOf(method)])),
  };
}

function lowerCase(names: readonly string[]): readonly string[] {
  return names.map((name) => name.toLowerCase());
}

/** Connect serves GET where nothing changes. */
function httpMethodsOf({ idempotency, methodKind }: DescMethod): string {
  const isRead = idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return isRead && methodKind === "unary" ? "POST, GET" : "POST";
}
