import { useState } from "preact/hooks";
import { EventLevel, type WatchEvent } from "../../../proto/gen/coupon/v1/watch_pb.ts";
import { useWords } from "../i18n/language.tsx";
import type { PlainKey } from "../i18n/words.ts";
import { viewerZone } from "../time/zones.ts";
import { Button } from "../ui/button.tsx";
import { stateKey } from "../ui/state-badge.tsx";
import type { SeenEvent } from "../watch/events.ts";

const LEVELS: Readonly<Record<number, readonly [className: string, word: PlainKey]>> = {
  [EventLevel.WARNING]: ["log-warning", "event.warning"],
  [EventLevel.ALARM]: ["log-alarm", "event.alarm"],
};
/** Older events are shown on demand. */
const SHOWN_MAX = 30;

/** The events, newest first, in the service's words. */
export function EventList({ events }: { readonly events: readonly SeenEvent[] }) {
  const { t, clock, instant } = useWords();
  const [all, setAll] = useState(false);
  if (events.length === 0) return <p class="quiet">{t("event.none")}</p>;
  const shown = all ? events : events.slice(-SHOWN_MAX);
  return (
    <>
      <ol class="event-log" aria-label={t("event.title")}>
        {shown.toReversed().map(({ key, atMs, event }) => {
          const [className, word] = LEVELS[event.level] ?? ["", "event.info"];
          return (
            <li key={key} class={className}>
              <time dateTime={new Date(atMs).toISOString()} title={instant(atMs, viewerZone())}>
                {clock(atMs, viewerZone())}
              </time>
              <span>
                {className === "" ? null : <strong>{t(word)}: </strong>}
                <EventText event={event} />
              </span>
            </li>
          );
        })}
      </ol>
      {shown.length === events.length ? null : (
        <div class="actions">
          <Button onClick={() => setAll(true)}>{t("event.all", { count: events.length })}</Button>
        </div>
      )}
    </>
  );
}

/** A change of state in the page's language; all else in the service's words. */
function EventText({ event: { fromState, toState, text } }: { readonly event: WatchEvent }) {
  const { t } = useWords();
  if (fromState === undefined || toState === undefined) return <span lang="en">{text}</span>;
  return (
    <span>
      {t(stateKey(fromState))} → {t(stateKey(toState))}
    </span>
  );
}
