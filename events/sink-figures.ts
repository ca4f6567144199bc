import type { SinkReport } from "../record/event-documents.ts";

/** What a process knows of its deliveries, by sink, since its start. */
export type SinkFigures = {
  delivered(sink: string, events: number): void;
  /** An attempt has failed. */
  failed(sink: string): void;
  /** The time of the first event of a campaign that is still to be delivered; undefined: there is none. */
  reached(sink: string, campaignId: string, time: string | undefined): void;
  /** This process does not deliver to the sink any more. */
  forget(sink: string): void;
  /** What the record keeps for those who ask another process. */
  reportOf(sink: string): SinkReport;
  read(): readonly SinkFigure[];
};

/** Counts since the start of the process. */
export type SinkFigure = { readonly sink: string; readonly delivered: number; readonly failed: number };

type Figures = { delivered: number; failed: number; readonly waiting: Map<string, number> };

export function createSinkFigures(): SinkFigures {
  const all = new Map<string, Figures>();
  const of = (sink: string): Figures => {
    const known = all.get(sink) ?? { delivered: 0, failed: 0, waiting: new Map() };
    all.set(sink, known);
    return known;
  };
  return {
    delivered(sink, events) {
      of(sink).delivered += events;
    },
    failed(sink) {
      of(sink).failed += 1;
    },
    reached(sink, campaignId, time) {
      const { waiting } = of(sink);
      if (time === undefined) waiting.delete(campaignId);
      else waiting.set(campaignId, Date.parse(time));
    },
    forget: (sink) => void of(sink).waiting.clear(),
    reportOf(sink) {
      const { waiting } = of(sink);
      return waiting.size === 0 ? {} : { waitingSince: new Date(Math.min(...waiting.values())) };
    },
    read: () => [...all].map(([sink, { delivered, failed }]) => ({ sink, delivered, failed })),
  };
}
