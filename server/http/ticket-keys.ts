import { hkdfSync } from "node:crypto";
import type { Server } from "node:tls";
import type { Clock } from "../../runtime/clock.ts";

/** How long a key of session tickets is used: a ticket of before costs its caller a whole handshake. */
export const TICKET_KEY_PERIOD_MS = 3_600_000;
/** By default Node takes the arguments of the process for it, which differ between workers. */
export const SESSION_ID_CONTEXT = "coupon";
const KEY_BYTES = 48;

/** The key with which the session tickets of a TLS server are encrypted. */
export type TicketKeys = {
  /** Takes the key of this hour. Must be called for each new connection. */
  follow(): void;
};

/**
 * Workers get one secret from Node when they listen on a port together, and make the same key of it each
 * hour: so a session that one of them began is resumed by any. Behind the PROXY protocol each has a secret of
 * its own.
 */
export function createTicketKeys(server: Server, clock: Pick<Clock, "now">): TicketKeys {
  let secret: Buffer | undefined;
  let period: number | undefined;
  return {
    follow() {
      secret ??= server.getTicketKeys();
      const now = Math.floor(clock.now() / TICKET_KEY_PERIOD_MS);
      if (now === period) return;
      period = now;
      const key = hkdfSync("sha256", secret, "", `session tickets ${now}`, KEY_BYTES);
      server.setTicketKeys(Buffer.from(key));
    },
  };
}
