import { hostname } from "node:os";
import type { Config } from "../runtime/config.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { frontsOf, type ListenerAddresses } from "../runtime/listeners.ts";
import { createAskPage } from "./readiness/ask-page.ts";
import { createIsolationWatch } from "./readiness/isolation-watch.ts";
import { pagesFoundAt } from "./readiness/own-pages.ts";
import type { Serving } from "./readiness/peers.ts";
import type { OwnReadiness } from "./readiness/readiness.ts";
import type { StoreReach } from "./readiness/store-reach.ts";
import type { SharedParts } from "./shared-parts.ts";

/** What a process with the server role serves, and where other servers find its health pages. */
export function servingOf(config: Config, addresses: ListenerAddresses): Serving {
  const fronts = frontsOf(config);
  const parts = fronts.flatMap(({ parts }) => parts.filter((part) => part !== "pages"));
  const front = fronts.find(({ parts }) => parts.includes("pages"));
  // Behind the PROXY protocol a connection must begin with a header of the proxy.
  const isBehindProxy = config.PROXY_PROTOCOL !== "off" && front?.parts.includes("public") === true;
  const ofFront = front === undefined || isBehindProxy ? undefined : addresses[front.http.name];
  return { parts, pages: pagesFoundAt(addresses.health ?? ofFront) };
}

/** Takes this server out of service while another one reaches both stores and this one does not. */
export function startIsolationWatch(
  of: {
    readonly parts: Pick<SharedParts, "processes" | "owner" | "clock" | "logger">;
    readonly reach: StoreReach;
    readonly readiness: OwnReadiness;
    readonly serving: Serving;
  },
  lifecycle: Lifecycle,
): void {
  const { processes, owner, clock, logger } = of.parts;
  const watch = createIsolationWatch({
    ...{ processes, reach: of.reach, clock, logger, askPage: createAskPage(clock) },
    self: { owner, host: hostname(), serving: of.serving },
    judged: of.readiness.isolate,
  });
  lifecycle.onRelease("watch of this server's isolation", () => watch.stop());
  watch.start();
}
