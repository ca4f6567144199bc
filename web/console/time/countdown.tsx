import { useEffect, useState } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";
import { useSession } from "../session/session.tsx";
import { leftOf, nextChangeMs } from "./countdown-text.ts";

/** Milliseconds from now, on the server's clock, to the instant; undefined: that clock is not known yet. */
export function useLeftMs(epochMs: number | undefined): number | undefined {
  const { serverNowMs } = useSession();
  const [, redraw] = useState({});
  const nowMs = serverNowMs();
  const leftMs = nowMs === undefined || epochMs === undefined ? undefined : epochMs - nowMs;
  useEffect(() => {
    const waitMs = leftMs === undefined ? 250 : nextChangeMs(leftMs);
    const timer = setTimeout(() => redraw({}), waitMs);
    return () => clearTimeout(timer);
  });
  return leftMs;
}

/** The time left until an instant. A screen reader reads it on demand only: it changes each second. */
export function Countdown({ epochMs }: { readonly epochMs: number }) {
  const { t } = useWords();
  const leftMs = useLeftMs(epochMs);
  if (leftMs === undefined) return <span class="countdown">–</span>;
  const { days, rest } = leftOf(leftMs);
  return (
    <span class="countdown" role="timer" aria-live="off">
      {days === 0 ? rest : t("countdown.days", { count: days, rest })}
    </span>
  );
}
