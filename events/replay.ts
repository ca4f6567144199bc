import type { Campaigns } from "../record/campaigns.ts";
import type { DeadLetters } from "../record/dead-letters.ts";
import type { DeadLetterDoc } from "../record/event-documents.ts";
import type { SinkCursors } from "../record/sink-cursors.ts";
import type { Logger } from "../runtime/logger.ts";
import { deliverWithin, errorText, type SinkAtWork } from "./delivery.ts";
import type { LogReader } from "./log-reader.ts";
import type { SinkFigures } from "./sink-figures.ts";

export type ReplayDeps = {
  readonly campaigns: Pick<Campaigns, "find">;
  readonly logReader: LogReader;
  readonly deadLetters: Pick<DeadLetters, "toReplay" | "keep" | "drop">;
  readonly cursors: Pick<SinkCursors, "countReplayed">;
  readonly figures: Pick<SinkFigures, "delivered" | "failed">;
  readonly logger: Logger;
  readonly batchMax: number;
  readonly deliveryDeadlineMs: number;
};

const LETTERS_AT_ONCE = 10;

/**
 * Delivers dead letters whose replay an operator has asked for: each once more, beside the events that are
 * delivered in order. Those that the sink takes are removed.
 */
export async function replay(deps: ReplayDeps, of: SinkAtWork): Promise<void> {
  const { deadLetters, cursors, figures, logger } = deps;
  const { key, _id: sink } = of.doc;
  for (const letter of await deadLetters.toReplay(key, LETTERS_AT_ONCE)) {
    if (!of.holds()) return;
    try {
      const delivered = await deliverLetter(deps, of, letter);
      figures.delivered(sink, delivered);
      await cursors.countReplayed(key, letter.campaignId, delivered);
      await deadLetters.drop(key, [letter._id]);
      logger.info({ sink, campaign: letter.campaignId, events: letter.events }, "dead letter replayed");
    } catch (error) {
      if (of.signal.aborted) return;
      figures.failed(sink);
      logger.warn({ sink, campaign: letter.campaignId, err: error }, "the replay of a dead letter failed");
      await deadLetters.keep(letter._id, errorText(error));
    }
  }
}

/** Returns how many events were delivered. */
async function deliverLetter(
  { campaigns, logReader, batchMax, deliveryDeadlineMs }: ReplayDeps,
  { sink, wanted, signal }: SinkAtWork,
  { campaignId, from, to }: DeadLetterDoc,
): Promise<number> {
  const campaign = await campaigns.find(campaignId);
  let place = from;
  let delivered = 0;
  for (let isAll = campaign === null; campaign !== null && !isAll; ) {
    const limit = Math.min(batchMax, sink.eventsMax ?? Infinity);
    const read = await logReader.read(campaign, place, limit, { ...wanted, until: to });
    if (read.events.length > 0) await deliverWithin(sink, read.events, deliveryDeadlineMs, signal);
    delivered += read.events.length;
    place = read.next;
    isAll = read.isAll;
  }
  return delivered;
}
