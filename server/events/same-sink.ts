import type { SinkSettings } from "../../record/event-documents.ts";
import type { NewSink, SeenSink } from "../../record/sinks.ts";

/**
 * Whether a sink is the one that a request asks for: the request came before, and its answer was lost.
 * `anySecret`: the request leaves the secret to the service.
 */
export function isSameSink(sink: SeenSink, wanted: NewSink, anySecret: boolean): boolean {
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  return (
    same(settingsOf(sink.settings, anySecret), settingsOf(wanted.settings, anySecret)) &&
    sink.campaignId === wanted.campaignId &&
    same(sink.types, wanted.types) &&
    same(sink.thresholds, wanted.thresholds) &&
    (sink.since === undefined) === (wanted.from === "beginning")
  );
}

/** What tells the settings of one sink from those of another, in one order. */
function settingsOf(settings: SinkSettings, anySecret: boolean) {
  if (settings.kind === "rabbitmq") return [settings.kind, settings.url, settings.exchange];
  const { kind, url, secrets, batched = false } = settings;
  return [kind, url, batched, anySecret ? "" : secrets[0]?.secret];
}
