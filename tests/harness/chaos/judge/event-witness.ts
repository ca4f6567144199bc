import { setTimeout as sleep } from "node:timers/promises";
import { connectClients } from "../../../../bench/load/connect-client.ts";
import { OPERATOR_TOKEN } from "../ground/ground.ts";
import type { Server } from "../ground/server.ts";

/** What a reader of the events of all campaigns was told of one of them. */
export type ToldEvents = {
  /** Coupons as `generation-seq`, in the order in which they were told. */
  readonly issued: readonly string[];
  readonly late: number;
  /** Ids that came once more, although each call went on where the one before had ended. */
  readonly repeated: number;
  /** How often the order of the log was not kept. */
  readonly backwards: number;
};

const AGAIN_MS = 100;
/** A server that was stopped or cut off says nothing; another one goes on. */
const SILENCE_MS = 3_000;
const LOOK_EVERY_MS = 50;

/**
 * Reads the events of all campaigns through EventService during a round, from one server after the other: so
 * there is a log, and who reads it goes on with its token whatever dies. Over ListEvents, so that no stream
 * keeps a server from ending.
 */
export function watchEvents(servers: readonly Server[], campaignId: string) {
  const issued: string[] = [];
  const ids = new Set<string>();
  const counts = { late: 0, repeated: 0, backwards: 0 };
  let sequence = "";
  let isClosing = false;
  // Most faults are those of the first server: its claims are under way while the last one writes the log.
  let turn = -1;

  function take(event: {
    id: string;
    source: string;
    type: string;
    subject: string;
    sequence: string;
    data?: object | undefined;
  }) {
    if (!event.source.endsWith(campaignId)) return;
    if (ids.has(event.id)) counts.repeated += 1;
    ids.add(event.id);
    if (event.sequence <= sequence) counts.backwards += 1;
    sequence = event.sequence;
    if (event.type !== "coupon.issued") return;
    issued.push(event.subject.replace(/^.*\//, ""));
    if ("late" in (event.data ?? {})) counts.late += 1;
  }

  const reading = (async () => {
    let pageToken = "";
    while (!isClosing) {
      const asking = servers.filter(({ takesClaims, isRunning }) => takesClaims && isRunning);
      const server = asking.at(turn % Math.max(1, asking.length));
      if (server === undefined) {
        await sleep(AGAIN_MS);
        continue;
      }
      const clients = connectClients(server.url, OPERATOR_TOKEN);
      try {
        while (!isClosing) {
          const options = { timeoutMs: SILENCE_MS };
          const page = await clients.events.listEvents({ pageToken, pageSize: 500 }, options);
          for (const event of page.events) take(event);
          pageToken = page.nextPageToken;
          if (page.events.length === 0) await sleep(LOOK_EVERY_MS);
        }
      } catch {
        turn -= 1;
        await sleep(AGAIN_MS);
      } finally {
        clients.close();
      }
    }
  })();

  return {
    told: (): ToldEvents => ({ issued, ...counts }),
    async close(): Promise<void> {
      isClosing = true;
      await reading;
    },
  };
}

/** What is wrong with what was told, given what is on record. `mayBeLate`: a pool was loaded again. */
export function judgeTold(
  told: ToldEvents,
  issuances: readonly { readonly generation: number; readonly seq: number }[],
  mayBeLate: boolean,
): string[] {
  const places = issuances.map(({ generation, seq }) => `${generation}-${seq}`);
  const once = new Set(told.issued);
  const missing = places.filter((place) => !once.has(place));
  const found: string[] = [];
  if (missing.length > 0)
    found.push(`${missing.length} of ${places.length} coupons were not told, for example ${missing[0]}`);
  if (once.size < told.issued.length || told.repeated > 0)
    found.push(`${told.issued.length - once.size} coupons were told twice, ${told.repeated} ids came again`);
  if (once.size + missing.length > places.length) found.push("coupons were told that are not on record");
  if (told.backwards > 0) found.push(`${told.backwards} events came out of order`);
  if (told.late > 0 && !mayBeLate)
    found.push(`${told.late} coupons slipped under the watermark, although no pool was loaded again`);
  return found;
}
