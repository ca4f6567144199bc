import type { SinkDoc } from "../record/event-documents.ts";
import { typesMeant } from "./event-types.ts";
import type { Wanted } from "./log-reader.ts";
import { parseThreshold } from "./thresholds.ts";

/** The events that a sink gets. */
export function wantedOf({ types, thresholds, since }: SinkDoc): Wanted {
  return {
    types: types?.flatMap((text) => typesMeant(text) ?? []),
    thresholds: thresholds.flatMap((text) => parseThreshold(text) ?? []),
    sinceMs: since?.getTime(),
  };
}
