import { useEffect, useState } from "preact/hooks";
import { clockOf, startText } from "./times.ts";
import type { Words } from "./words.ts";

export type ClockProps = {
  readonly words: Words;
  /** Undefined: the start is not known yet. */
  readonly millisToStart: number | undefined;
  readonly startsAt: Date | undefined;
};

/** The countdown; whoever listens instead of looking is told the marks alone. */
export function Clock({ words, millisToStart, startsAt }: ClockProps) {
  const { days, time } = millisToStart === undefined ? { days: 0, time: "––:––:––" } : clockOf(millisToStart);
  return (
    <div class="clock" role="timer" aria-live="off">
      <p class="label">{words.startsIn}</p>
      <p class="digits">
        {days > 0 && <span class="days">{words.days(days)}</span>} <span>{time}</span>
      </p>
      <p class="label">{startsAt === undefined ? "\u00a0" : startText(words.lang, startsAt)}</p>
    </div>
  );
}

/** Tells each mark once, in the second in which it passes. */
export function Marks({ words, millisToStart }: Omit<ClockProps, "startsAt">) {
  const seconds = millisToStart === undefined ? 0 : Math.ceil(millisToStart / 1_000);
  const [mark, setMark] = useState<string | null>(null);
  useEffect(() => {
    const passed = words.marks.find(([at]) => at === seconds);
    if (passed !== undefined) setMark(passed[1]);
  }, [seconds, words]);
  return (
    <p class="unseen" role="status">
      {seconds === 0 ? null : mark}
    </p>
  );
}
