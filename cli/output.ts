import { once } from "node:events";
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { type Redact, redactTexts } from "../runtime/redactor.ts";
import type { Failure } from "./failure.ts";
import { stateName } from "./render.ts";

type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** Standard output carries results only; everything said about them goes to standard error. */
export interface Output {
  readonly json: boolean;
  /** True: a person is looking, bars may be drawn on `bars`. */
  readonly interactive: boolean;
  readonly bars: Screen;
  /** Standard output as a screen: for what fills it. */
  readonly screen: Screen;
  readonly colour: boolean;
  /** Results; waits while the reader is slow. */
  write(text: string): Promise<void>;
  /** Standard error: what is going on. */
  note(text: string): void;
  fail(failure: Failure): void;
  style(style: Style, text: string): string;
}

export type Screen = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export interface OutputOptions {
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly json: boolean;
  readonly colour: boolean;
  /** False: the terminal cannot move its cursor. */
  readonly canDraw: boolean;
  /** For all that is said on standard error. */
  readonly redact: Redact;
}

export function openOutput(options: OutputOptions): Output {
  const { stdout, stderr, json, redact } = options;
  const interactive = options.canDraw && stdout.isTTY === true && stderr.isTTY === true && !json;
  const colour = options.colour && interactive;
  // Decided here, for the streams given; styleText would look at the process.
  const paint = (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  return {
    json,
    interactive,
    bars: stderr,
    screen: stdout,
    colour,
    async write(text) {
      if (!stdout.write(text)) await once(stdout, "drain");
    },
    note(text) {
      const safe = redact(text);
      stderr.write(json ? `${JSON.stringify({ note: safe })}\n` : `coupon: ${safe}\n`);
    },
    fail(told) {
      const failure = redactTexts(told, redact);
      const hint = failure.hint === "" ? "" : `; ${failure.hint}`;
      const line = `${paint("red", "coupon:")} ${failure.message}${hint}`;
      stderr.write(json ? `${JSON.stringify({ error: failure })}\n` : `${line}\n`);
    },
    style: paint,
  };
}

/** The state in the colour an operator expects. */
export function paintedState(output: Output, state: number): string {
  const name = stateName(state);
  if (state === CampaignState.OPEN) return output.style("green", name);
  if (state === CampaignState.CANCELLED) return output.style("red", name);
  if (state === CampaignState.GENERATING || state === CampaignState.PAUSED)
    return output.style("yellow", name);
  return output.style("cyan", name);
}
