import { Code, ConnectError } from "@connectrpc/connect";
import { enumName } from "../../proto/enum-name.ts";
import { type Campaign, CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { PreflightColour, PreflightColourSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { epochMsOf, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { type Model, type Readiness, serverNowMs } from "./model.ts";
import { type Look, label, painted, type Style, span } from "./spans.ts";
import { wrappedAll } from "./wrapping.ts";

/** A preflight writes to both stores, so it is not made more often than useful. */
const everyMs = { far: 60_000, near: 15_000 } as const;
const nearMs = 600_000;

const waiting: readonly CampaignState[] = [
  CampaignState.GENERATING,
  CampaignState.SCHEDULED,
  CampaignState.PAUSED,
];

/** True: the campaign has not opened yet, and may open. */
export function isBeforeOpening({ state, openedAt }: Campaign): boolean {
  return openedAt === undefined && waiting.includes(state);
}

/** When, and for which start and state, a preflight was requested; a change of these needs a new one. */
export interface Asked {
  readonly atMs: number;
  readonly startsMs: number | undefined;
  readonly state: CampaignState;
}

/** The preflight to request now; undefined: none. */
export function dueReadiness(model: Model, asked: Asked | undefined, nowMs: number): Asked | undefined {
  const { campaign } = model.message ?? {};
  if (campaign === undefined || model.broken !== undefined || !isBeforeOpening(campaign)) return undefined;
  const startsMs = epochMsOf(campaign.startsAt);
  const leftMs = (startsMs ?? 0) - serverNowMs(model, nowMs);
  if (leftMs <= 0) return undefined;
  const due = { atMs: nowMs, startsMs, state: campaign.state };
  if (asked === undefined || asked.startsMs !== startsMs || asked.state !== campaign.state) return due;
  return nowMs - asked.atMs >= (leftMs > nearMs ? everyMs.far : everyMs.near) ? due : undefined;
}

/** Never rejects: a failed call is a result, too. */
export async function askReadiness(
  { campaigns, settings }: Session,
  campaignId: string,
  signal: AbortSignal,
): Promise<Readiness> {
  const options = { signal, timeoutMs: settings.timeoutMs };
  const askedMs = performance.now();
  try {
    const { colour, lines } = await campaigns.preflightCampaign({ campaignId }, options);
    return { askedMs, colour, lines };
  } catch (error) {
    const failed = error instanceof ConnectError ? Code[error.code] : String(error);
    return { askedMs, failed: printable(failed) };
  }
}

const styles: Readonly<Record<number, readonly [name: string, style: Style]>> = {
  [PreflightColour.GREEN]: ["GREEN", "green"],
  [PreflightColour.AMBER]: ["AMBER", "yellow"],
  [PreflightColour.RED]: ["RED", "red"],
};

/**
 * The verdict, then the checks that are not green, the worst first: at most `room` lines, or up to `free`
 * ones where texts need to wrap.
 */
export function readinessLines(
  model: Model,
  nowMs: number,
  room: number,
  free: number,
  look: Look,
): string[] {
  const { readiness } = model;
  if (room <= 0) return [];
  if (readiness === undefined) return [painted([label("preflight"), span("is being made", "dim")], look)];
  const ago = `${Math.max(0, Math.round((nowMs - readiness.askedMs) / 1_000))} s ago`;
  if ("failed" in readiness) {
    const why = `not known: the call failed ${ago} (${readiness.failed})`;
    return [painted([label("preflight"), span(why, "red")], look)];
  }
  const { colour, lines } = readiness;
  const [name, style] = styles[colour] ?? [enumName(PreflightColourSchema, colour), undefined];
  const notGreen = lines
    .filter((line) => line.colour !== PreflightColour.GREEN)
    .sort((a, b) => b.colour - a.colour);
  const verdict = `  ${lines.length - notGreen.length} of ${counted(lines.length, "check is", "checks are")} green, ${ago}`;
  const shown = notGreen.slice(0, notGreen.length > room - 1 ? Math.max(0, room - 2) : room - 1);
  const items = shown.map(({ check, colour: how, finding, advice }) => {
    const [word, wordStyle] = styles[how] ?? [enumName(PreflightColourSchema, how), undefined];
    const text = ` ${printable(check)}: ${printable(finding)}`;
    return {
      lead: label(""),
      spans: [span(word, wordStyle), span(text), span(` → ${printable(advice)}`, "dim")],
    };
  });
  const left = notGreen.length - shown.length;
  const details = wrappedAll(items, free - 1 - Math.sign(left), look);
  if (left > 0 && room > 1)
    details.push(painted([label(""), span(`and ${left} more: coupon preflight shows them`, "dim")], look));
  return [painted([label("preflight"), span(name, style), span(verdict)], look), ...details];
}
