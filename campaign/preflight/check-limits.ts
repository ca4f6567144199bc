import type { ClaimLimits } from "../../record/documents.ts";
import type { SeenProcess } from "../../record/processes.ts";
import { ASK_MONGODB, alive, nameOf } from "./check-processes.ts";
import type { Facts } from "./facts.ts";
import { amber, green, type Judged } from "./line.ts";

const OFF = "off";
const OPEN = "open";
/** Leaves room for the honest users that share an address, and stops one host that floods. */
const ADDRESS_ADVICE = "LIMIT_ADDRESS, such as 2000/10";

type Limited = { readonly server: SeenProcess; readonly proves: boolean; readonly limits: ClaimLimits };

/** Whether a script can ask as often as it likes. */
export function checkClaimLimits({ campaign, processes }: Facts): Judged {
  if (!processes.ok) return amber(`how servers limit callers cannot be read: ${processes.why}`, ASK_MONGODB);
  const servers = alive(processes.value, "server").flatMap((server): Limited[] => {
    const { auth, reachable, limits } = server.claims ?? {};
    if (auth === undefined || reachable !== true || limits === undefined) return [];
    return [{ server, proves: campaign.claimAuth !== OPEN || auth !== OPEN, limits }];
  });
  const [first] = servers;
  if (first === undefined) return green("no server that reports its limits is reached by other machines");
  const unlimited = servers.find((one) => !isLimited(one));
  if (unlimited !== undefined)
    return amber(
      `${nameOf(unlimited.server)} lets each caller ask as often as it can${unlimited.proves ? "" : ": invented users cost nothing"}`,
      unlimited.proves ? `set LIMIT_USER, such as 20/10, or ${ADDRESS_ADVICE}` : `set ${ADDRESS_ADVICE}`,
    );
  const other = servers.find(({ limits }) => spelt(limits) !== spelt(first.limits));
  if (other !== undefined)
    return amber(
      `servers limit callers differently: ${nameOf(first.server)} ${spelt(first.limits)}; ${nameOf(other.server)} ${spelt(other.limits)}`,
      "give all servers the same LIMIT_USER, LIMIT_ADDRESS, LIMIT_KEY and LIMITS_SHARED",
    );
  return green(`${spelt(first.limits)}${servers.length > 1 ? countedBy(first.limits, servers.length) : ""}`);
}

/** By user only where the user is proven or vouched for: else a caller takes another id for each request. */
function isLimited({ proves, limits: { user, address } }: Limited): boolean {
  return address !== OFF || (proves && user !== OFF);
}

function spelt({ user, address, key, shared }: ClaimLimits): string {
  return `by user ${user}, by address ${address}, by key ${key}${shared ? ", shared" : ""}`;
}

function countedBy({ shared }: ClaimLimits, servers: number): string {
  return shared
    ? `: all ${servers} processes count together`
    : `: each of ${servers} processes counts alone, so a caller gets up to ${servers} times as much`;
}
