import type { HistoryEntry } from "../../audit/history.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Ground } from "../ground.ts";
import type { Clients } from "../load/connect-client.ts";
import type { Coupon, Told } from "./coupon.ts";
import { type Crowd, tallyOf } from "./crowd.ts";
import { jsonOf, must, mustCome, mustExit, type Stage } from "./stage.ts";

/** The context that all steps of the launch share. */
export type Launch = {
  readonly ground: Ground;
  readonly clients: Clients;
  readonly coupon: Coupon;
  readonly crowd: Crowd;
  readonly stage: Stage;
  readonly campaignId: string;
  readonly total: number;
  readonly signal: AbortSignal;
};

/** The output with `--json` of every verb that changes a campaign. */
export type Change = {
  readonly campaign: {
    readonly id: string;
    readonly state: string;
    readonly total: number;
    readonly startsAt: string;
  };
  readonly already: boolean;
  readonly notices: readonly string[];
};

export const EXIT = { ok: 0, refused: 3, notFound: 4, notConfirmed: 7, amber: 9, red: 10 } as const;
/** A bound against hanging only. */
const STATE_WITHIN_MS = 120_000;

/**
 * Runs a command twice: the first must change the campaign to `state`, the second must report that it was so
 * already.
 */
export async function changeTwice(
  launch: Launch,
  args: readonly string[],
  state: string,
): Promise<{ first: Told; second: Told }> {
  const first = mustExit(await launch.coupon(args), EXIT.ok);
  const change = jsonOf<Change>(first);
  must(!change.already, `the first coupon ${first.verb} says that it was so already`);
  must(
    stateOf(change) === state,
    `after coupon ${first.verb} the campaign is ${stateOf(change)}, not ${state}`,
  );
  const second = mustExit(await launch.coupon(args), EXIT.ok);
  must(jsonOf<Change>(second).already, `the second coupon ${first.verb} does not say that it was so already`);
  return { first, second };
}

export const stateOf = ({ campaign }: Change): string => campaign.state.replace("CAMPAIGN_STATE_", "");

/** Waits until the campaign has the state; returns how many coupons were issued then. */
export async function untilState(
  { clients, campaignId, signal }: Launch,
  wanted: keyof typeof CampaignState,
) {
  let issued = 0;
  await mustCome(
    `the campaign is ${wanted}`,
    async () => {
      const { campaign } = await clients.campaigns.getCampaign(
        { campaignId, view: CampaignView.BASIC },
        { signal, timeoutMs: 10_000 },
      );
      issued = campaign?.issued ?? 0;
      return campaign?.state === CampaignState[wanted];
    },
    STATE_WITHIN_MS,
    signal,
  );
  return issued;
}

/** The answers that gave a coupon to a user that had none. */
export function firstIssues(entries: readonly HistoryEntry[]): HistoryEntry[] {
  return entries.filter(({ outcome }) => outcome.kind === "issued" && !outcome.replayed);
}

/** The crowd's answers, in words: "1,204 PAUSED, 802 again". */
export function crowdWords(entries: readonly HistoryEntry[]): string {
  const counts = [...tallyOf(entries)].map(([name, count]) => `${count.toLocaleString("en")} ${name}`);
  return counts.length === 0 ? "the crowd was told nothing" : `the crowd: ${counts.join(", ")}`;
}

/** @throws Broken unless the answers are of `each` and `maybe` only, with at least one of each of `each` */
export function mustHear(
  entries: readonly HistoryEntry[],
  { each, maybe = [] }: { each: readonly string[]; maybe?: readonly string[] },
): string {
  const tally = tallyOf(entries);
  for (const name of tally.keys())
    must([...each, ...maybe].includes(name), `the crowd was told ${name}: ${crowdWords(entries)}`);
  for (const name of each) must(tally.has(name), `nobody was told ${name}: ${crowdWords(entries)}`);
  return crowdWords(entries);
}
