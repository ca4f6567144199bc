import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Campaign, CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { PlainKey } from "../i18n/words.ts";
import type { Api, MethodName } from "../session/api.ts";

/** What an operator may do to a campaign, in the order of the buttons. */
export const ACTIONS = ["pause", "resume", "reschedule", "add", "edit", "end", "cancel"] as const;
export type Action = (typeof ACTIONS)[number];

/** A change that is wanted. `endsAtMs`: null: no end; undefined: as it was. */
export type Change =
  | { readonly action: "pause" | "resume" | "end" | "cancel" }
  | { readonly action: "add"; readonly count: number }
  | {
      readonly action: "reschedule";
      readonly startsAtMs: number;
      readonly endsAtMs: number | null | undefined;
    }
  | { readonly action: "edit"; readonly name: string; readonly endsAtMs: number | null | undefined };

type AllowedIn = readonly [Action, ...Action[]];

/** By the table of docs/life-cycle.md; an action without effect is left out. */
const ALLOWED: Readonly<Partial<Record<CampaignState, AllowedIn>>> = {
  [CampaignState.GENERATING]: ["reschedule", "add", "edit", "cancel"],
  [CampaignState.SCHEDULED]: ["pause", "reschedule", "add", "edit", "cancel"],
  [CampaignState.OPEN]: ["pause", "add", "edit", "end", "cancel"],
  [CampaignState.SOLD_OUT]: ["add", "edit", "end", "cancel"],
  [CampaignState.ENDED]: ["edit"],
  [CampaignState.CANCELLED]: ["edit"],
};
const PAUSED: AllowedIn = ["resume", "add", "edit", "cancel"];

/** Why the campaign's state does not allow the action; undefined: it does, or the state is unknown here. */
export function disallowedBecause(
  action: Action,
  { state, openedAt }: Pick<Campaign, "state" | "openedAt">,
): PlainKey | undefined {
  const onlyPaused: readonly Action[] = [...PAUSED, openedAt === undefined ? "reschedule" : "end"];
  const allowed: readonly Action[] | undefined = state === CampaignState.PAUSED ? onlyPaused : ALLOWED[state];
  if (allowed === undefined || allowed.includes(action)) return undefined;
  const isOver = state === CampaignState.ENDED || state === CampaignState.CANCELLED;
  return action === "end" && isOver ? "why.endOver" : `why.${action}`;
}

/** True: nothing reverses it, so that the operator confirms with more than a press. */
export function isForGood(change: Change, { state }: Pick<Campaign, "state">, nowMs: number): boolean {
  switch (change.action) {
    case "end":
    case "cancel":
    case "add":
      return true;
    case "reschedule":
      return change.startsAtMs <= nowMs && state !== CampaignState.PAUSED;
    default:
      return false;
  }
}

export const METHODS = {
  ...{ pause: "PauseCampaign", resume: "ResumeCampaign", reschedule: "RescheduleCampaign" },
  ...{ add: "AddCoupons", edit: "UpdateCampaign", end: "EndCampaign", cancel: "CancelCampaign" },
} as const satisfies Readonly<Record<Action, MethodName>>;

/** Ending and cancelling need a higher role than the other actions, which all need the same. */
export function deniedWith(action: Action): readonly MethodName[] {
  const denied: readonly Action[] = action === "end" || action === "cancel" ? ["end", "cancel"] : ACTIONS;
  return denied.map((one) => METHODS[one]);
}

export type Changed = {
  readonly campaign?: Campaign | undefined;
  readonly already: boolean;
  readonly notices: readonly string[];
};

export type CommonRequest = {
  readonly campaignId: string;
  readonly actor: string;
  readonly requestId: string;
  readonly dryRun: boolean;
};

/** Asks the service for the change; with dryRun, what it would do. */
export function sendChange(api: Api, change: Change, common: CommonRequest): Promise<Changed> {
  switch (change.action) {
    case "pause":
      return api.pauseCampaign(common);
    case "resume":
      return api.resumeCampaign(common);
    case "end":
      return api.endCampaign(common);
    case "cancel":
      return api.cancelCampaign(common);
    case "add":
      return api.addCoupons({ ...common, count: change.count });
    case "reschedule":
      return api.rescheduleCampaign({
        ...common,
        startsAt: timestampFromMs(change.startsAtMs),
        ...endFields(change.endsAtMs),
      });
    case "edit":
      return api.updateCampaign({ ...common, name: change.name, ...endFields(change.endsAtMs) });
    default:
      return change satisfies never;
  }
}

function endFields(endsAtMs: number | null | undefined) {
  if (endsAtMs === undefined) return {};
  return endsAtMs === null ? { noEnd: true } : { endsAt: timestampFromMs(endsAtMs) };
}
