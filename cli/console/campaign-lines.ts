import { type Campaign, CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { WatchCampaignResponse } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { grouped } from "../../runtime/counting.ts";
import { countdown, epochMsOf, isOver, printable, stateName } from "../render.ts";
import { rfc3339In } from "../zone.ts";
import { cellsOf } from "./cells.ts";
import { bar } from "./drawings.ts";
import { type Model, serverNowMs } from "./model.ts";
import { type Look, label, labelCells, painted, type Style, span, spread } from "./spans.ts";

/** A bar of fewer cells is not drawn. */
const barCellsMin = 6;
const dayMs = 86_400_000;

function stateStyle(state: number): Style {
  if (state === CampaignState.OPEN) return "green";
  if (state === CampaignState.CANCELLED) return "red";
  if (state === CampaignState.GENERATING || state === CampaignState.PAUSED) return "yellow";
  return "cyan";
}

/** The name, the state and the time; while the stream is broken, also the age of the state. */
export function headerLine(model: Model, campaign: Campaign, nowMs: number, look: Look): string {
  const clock = rfc3339In(serverNowMs(model, nowMs), model.zone).slice(11, 19);
  const agoSeconds = Math.max(0, Math.round((nowMs - model.arrivedMs) / 1_000));
  const stale = model.broken === undefined ? [] : [span(` ${agoSeconds} s ago`, "red")];
  const state = span(stateName(campaign.state), stateStyle(campaign.state));
  return spread([span(printable(campaign.name), "bold")], [state, ...stale, span(`  ${clock}`)], look);
}

/** The next event by the server's clock, such as the opening, and the campaign's id. */
export function whenLine(model: Model, campaign: Campaign, nowMs: number, look: Look): string {
  const [texts, style] = whatComes(campaign, serverNowMs(model, nowMs), model.zone);
  const text = texts.find((candidate) => cellsOf(candidate) <= look.width) ?? texts.at(-1) ?? "";
  return spread([span(text, style)], [span(campaign.id, "dim")], look, "left");
}

/**
 * The texts for one event, the longest first, for narrow terminals; the shortest keeps the time that is left,
 * if any.
 */
function whatComes(campaign: Campaign, serverMs: number, zone: string): [texts: string[], style?: Style] {
  const { state } = campaign;
  const startsMs = epochMsOf(campaign.startsAt) ?? 0;
  const endsMs = epochMsOf(campaign.endsAt);
  const openedMs = epochMsOf(campaign.openedAt);
  const at = (ms: number): string => rfc3339In(ms, zone).replace("T", " ");
  // Without the offset, which has no room beside the id on 80 columns.
  const was = (ms: number): string => rfc3339In(ms, zone).replace("T", " ").slice(0, 23);
  const isAhead = serverMs < startsMs;
  const left = countdown(startsMs - serverMs);
  if (isOver(state)) {
    const how = state === CampaignState.SOLD_OUT ? "all coupons are gone" : "over";
    return [openedMs === undefined ? [how] : [`${how}, opened ${was(openedMs)}`, how]];
  }
  if (state === CampaignState.PAUSED) {
    if (openedMs !== undefined)
      return [["paused: no coupon is issued until it is resumed", "paused until resumed"], "yellow"];
    if (!isAhead) return [["paused: opens as soon as it is resumed", "opens when resumed"], "yellow"];
    return [[`paused: would open in ${left} if it were resumed`, `if resumed in ${left}`], "yellow"];
  }
  if (state === CampaignState.OPEN) {
    const ends = endsMs === undefined ? "no end" : `ends in ${countdown(endsMs - serverMs)}`;
    return [[`open for ${countdown(serverMs - (openedMs ?? startsMs))}, ${ends}`, ends], "green"];
  }
  if (isAhead) {
    // Days and milliseconds together have no room on 80 columns, and operators do not need both.
    const instant = startsMs - serverMs < dayMs ? at(startsMs) : at(startsMs).replace(/\.\d+/, "");
    return [[`opens in ${left}  at ${instant}`, `opens in ${left}`], "bold"];
  }
  if (state === CampaignState.GENERATING)
    return [["the start has passed: opens when its codes are made", "opens when codes are made"], "red"];
  return [["the start has come: it is about to open", "about to open"], "yellow"];
}

/** The number of codes, until all are made; then of coupons issued and left. With a bar where it fits. */
export function issuedLine(message: WatchCampaignResponse, campaign: Campaign, look: Look): string {
  const making = campaign.state === CampaignState.GENERATING;
  const value = making ? campaign.generated : campaign.issued;
  const share = campaign.total === 0 ? 0 : Math.floor((value / campaign.total) * 1000) / 10;
  const coming = campaign.adding > 0 ? ` +${grouped(campaign.adding)} coming` : "";
  const told = `${grouped(value)} of ${grouped(campaign.total)}  ${share.toFixed(1)} %  ${grouped(message.remaining)} left${coming}`;
  const cells = look.width - labelCells - cellsOf(told) - 1;
  const drawn = cells < barCellsMin ? "" : `${bar(value, campaign.total, cells, look.unicode)} `;
  return painted([label(making ? "codes" : "issued"), span(drawn, "green"), span(told)], look);
}
