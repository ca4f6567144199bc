import { Code } from "@connectrpc/connect";
import type { FailureContext } from "./failure-context.ts";
import { loginOrigin } from "./login/login-settings.ts";
import type { Words } from "./reach.ts";
import { printable } from "./render.ts";
import { codeFacts } from "./rpc-exit-code.ts";

export const DENIED_HINT = "use a credential that may do this";

/** The hint never contains the token, only whether one was sent and where it was found. */
export function unauthenticatedHint(tokenFrom: string | undefined): string {
  if (tokenFrom === loginOrigin) return "coupon login makes a new login; or give a key with COUPON_TOKEN";
  return tokenFrom === undefined
    ? "give the operator token with --token-file, COUPON_TOKEN or the config file; the key of a service without operators' settings is found by the user who started it"
    : `the token of ${printable(tokenFrom)} was sent and is not that of the service; give the right one`;
}

/** A service may serve operators and callers on different ports; each is an unknown path on the other one. */
function unimplementedHint(serverMessage: string): string {
  if (/\/coupon\.v1\.(Campaign|Event)Service\//.test(serverMessage))
    return "operators may be served on a port of their own there (OPERATORS_PORT): give its URL in --url";
  if (serverMessage.includes("/coupon.v1.CouponService/"))
    return "is --url that of the operators' port? callers are served on PORT";
  return "is --url the coupon service, and no older than this command?";
}

/** An error without a reason, by its RPC code, in the operator's words. */
export function codeWords(code: Code, serverMessage: string, { url, tokenFrom }: FailureContext): Words {
  const said = serverMessage === "" ? codeFacts[code].name : serverMessage;
  switch (code) {
    case Code.Unauthenticated:
      return { message: `not let in: ${said}`, hint: unauthenticatedHint(tokenFrom) };
    case Code.PermissionDenied:
      return { message: `not allowed: ${said}`, hint: DENIED_HINT };
    case Code.DeadlineExceeded:
      return { message: `no answer from ${url} in time`, hint: "try again, or give more with --timeout" };
    case Code.Unimplemented:
      return {
        message: `${url} does not offer this: ${said}`,
        hint: unimplementedHint(serverMessage),
      };
    case Code.Unavailable:
      return { message: `the service is unavailable: ${said}`, hint: "try again" };
    case Code.Aborted:
    case Code.Canceled:
      return { message: `the connection to ${url} broke: ${said}`, hint: "try again" };
    case Code.NotFound:
      return { message: said, hint: "coupon list shows the campaigns" };
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return { message: said, hint: "--help says what is allowed" };
    case Code.AlreadyExists:
    case Code.FailedPrecondition:
    case Code.ResourceExhausted:
      return { message: said, hint: "" };
    case Code.DataLoss:
      return {
        message: `stored data is damaged: ${said}`,
        hint: "mend or remove that document; coupon verify names what else is wrong",
      };
    case Code.Unknown:
    case Code.Internal:
      return { message: `the service failed: ${said}`, hint: "its log says why" };
  }
}
