import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { createSingleFlight } from "../../runtime/single-flight.ts";

/** All addresses of a host. @throws as `dns.lookup` does */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/**
 * Look-ups of names by the system, few at once: each one holds a thread of Node's pool, of four, while a name
 * server does not answer, and the stores' connections need that pool, too.
 */
const AT_ONCE = 2;

export function createResolve(): Resolve {
  const flights = createSingleFlight<readonly LookupAddress[]>();
  const waiting: (() => void)[] = [];
  let underWay = 0;

  async function inTurn(host: string): Promise<readonly LookupAddress[]> {
    if (underWay < AT_ONCE) underWay++;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await lookup(host, { all: true });
    } finally {
      // The next one takes this place.
      const next = waiting.shift();
      if (next === undefined) underWay--;
      else next();
    }
  }

  return (host) => flights.run(host, () => inTurn(host));
}
