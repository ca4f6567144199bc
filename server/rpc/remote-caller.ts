import type { HandlerContext } from "@connectrpc/connect";
import { CHALLENGE_HEADER, type RemoteCaller } from "../../claims/issue.ts";
import { traceIn } from "../http/call-traces.ts";
import { sourceAddressIn } from "../http/source-address.ts";

/** The caller of a call that came through the framework. */
export function remoteCallerOf({ signal, requestHeader, values }: HandlerContext): RemoteCaller {
  const { span, callId } = traceIn(values);
  return {
    ...{ span, callId },
    authorization: requestHeader.get("authorization") ?? undefined,
    challenge: requestHeader.get(CHALLENGE_HEADER) ?? undefined,
    address: sourceAddressIn(values),
    get aborted() {
      return signal.aborted;
    },
  };
}
