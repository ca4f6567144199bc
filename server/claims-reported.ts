import type { ClaimLimits, ProcessDoc } from "../record/documents.ts";
import type { Config } from "../runtime/config.ts";
import { isLoopback } from "../runtime/loopback.ts";

/** What a process reports in its heartbeats of how it takes claims; undefined: it takes none. */
export function claimsReported(config: Config): ProcessDoc["claims"] {
  if (!config.ROLES.includes("server") || config.PORT === "off") return undefined;
  return { auth: config.CLAIM_AUTH, reachable: !isLoopback(config.HOST), limits: limitsOf(config) };
}

function limitsOf({ LIMIT_USER, LIMIT_ADDRESS, LIMIT_KEY, LIMITS_SHARED }: Config): ClaimLimits {
  return { user: LIMIT_USER, address: LIMIT_ADDRESS, key: LIMIT_KEY, shared: LIMITS_SHARED === "on" };
}
