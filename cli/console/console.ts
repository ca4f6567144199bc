import { newsOfCampaign } from "../campaign-news.ts";
import { goingOn } from "../follow.ts";
import type { Session } from "../session.ts";
import { resumedStream } from "../stream.ts";
import { type Model, newModel, withBreak, withMessage, withWord } from "./model.ts";
import { type Asked, askReadiness, dueReadiness, isBeforeOpening } from "./readiness.ts";
import { screenLines } from "./screen.ts";
import { openTerminal } from "./terminal.ts";

export type Ending = "left" | "interrupted";

export interface ConsolePlan {
  readonly campaignId: string;
  readonly intervalMs: number;
  /** The stream sends every change above this revision; undefined: the last few. */
  readonly afterRevision?: number | undefined;
}

/** The screen is redrawn so often, so that countdowns move between two messages. */
const framesEveryMs = 200;
/** The console stays open through a restart of all servers, even a long one. */
const retries = 100_000;
/** A short delay, so that the console connects soon after the servers are back. */
const maxDelayMs = 1_000;
/** The number of tries is left out of the note, because there is little room. */
const tries = /, opening the stream (again in .*?)( \(\d+ of \d+\))?$/;
const keys = { leave: ["q", "Q", "\x04"], preflight: ["p", "P"], interrupt: "\x03", redraw: "\x0c" } as const;
const isOneOf = (key: string, some: readonly string[]): boolean => some.includes(key);

/**
 * The launch console: fills the terminal until the operator leaves. Returns the last model, from which the
 * caller prints the final state.
 */
export async function runConsole(
  session: Session,
  { campaignId, intervalMs, afterRevision }: ConsolePlan,
): Promise<{ readonly model: Model; readonly ending: Ending }> {
  const { campaigns, output, settings, signal, stdin, unicode } = session;
  const { url, zone } = settings;
  let model = newModel({ url, campaignId, zone, intervalMs, revision: afterRevision });
  const leaving = new AbortController();
  let ending: Ending = "left";
  const end = (how: Ending): void => {
    if (leaving.signal.aborted) return;
    ending = how;
    leaving.abort();
  };
  const interrupted = (): void => end("interrupted");

  let asked: Asked | undefined;
  let isAsking = false;
  const lookAhead = async (): Promise<void> => {
    const due = isAsking ? undefined : dueReadiness(model, asked, performance.now());
    if (due === undefined) return;
    asked = due;
    isAsking = true;
    const readiness = await askReadiness(session, campaignId, leaving.signal);
    isAsking = false;
    model = { ...model, readiness };
    draw();
  };

  const askAgain = (): void => {
    const { campaign } = model.message ?? {};
    if (campaign === undefined || isBeforeOpening(campaign)) asked = undefined;
    else model = withWord(model, "p: a preflight is for before the opening", performance.now());
  };

  const terminal = openTerminal({
    screen: output.screen,
    keyboard: stdin,
    onKey(key) {
      if (key === keys.interrupt) end("interrupted");
      else if (isOneOf(key, keys.leave)) end("left");
      else if (isOneOf(key, keys.preflight)) askAgain();
      else if (key === keys.redraw) terminal.forget();
      draw();
    },
    onResize: () => draw(),
  });
  const draw = (): void => {
    const size = { ...terminal.size, colour: output.colour, unicode };
    terminal.draw(screenLines(model, performance.now(), size));
  };
  const frames = setInterval(() => {
    draw();
    void lookAhead();
  }, framesEveryMs);
  signal.addEventListener("abort", interrupted);
  if (signal.aborted) interrupted();
  try {
    draw();
    const stream = resumedStream(
      { ...session, signal: leaving.signal },
      {
        open(options) {
          const watched = { campaignId, intervalMs, keepOn: true };
          return campaigns.watchCampaign({ ...watched, ...goingOn(model.revision) }, options);
        },
        properEnd: "interrupted",
        isProgress: newsOfCampaign(),
        maxSilenceMs: settings.timeoutMs + intervalMs,
        retries,
        maxDelayMs,
        note(text) {
          const [why, again] = [text.replace(tries, ""), tries.exec(text)?.[1] ?? ""];
          model = withBreak(model, { why, again }, performance.now());
          draw();
        },
      },
    );
    for await (const message of stream) {
      model = withMessage(model, message, performance.now());
      draw();
      void lookAhead();
    }
    return { model, ending };
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    return { model, ending };
  } finally {
    clearInterval(frames);
    leaving.abort();
    signal.removeEventListener("abort", interrupted);
    terminal.close();
  }
}
