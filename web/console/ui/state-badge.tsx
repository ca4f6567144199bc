import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { useWords } from "../i18n/language.tsx";
import type { PlainKey } from "../i18n/words.ts";

const NAMES: Readonly<Record<CampaignState, string>> = {
  [CampaignState.UNSPECIFIED]: "unknown",
  [CampaignState.GENERATING]: "GENERATING",
  [CampaignState.SCHEDULED]: "SCHEDULED",
  [CampaignState.OPEN]: "OPEN",
  [CampaignState.PAUSED]: "PAUSED",
  [CampaignState.SOLD_OUT]: "SOLD_OUT",
  [CampaignState.ENDED]: "ENDED",
  [CampaignState.CANCELLED]: "CANCELLED",
};

/** A server of a later version may have states that this page does not know. */
export function stateKey(state: CampaignState): PlainKey {
  return `state.${NAMES[state] ?? "unknown"}` as PlainKey;
}

export function StateBadge({ state }: { readonly state: CampaignState }) {
  const { t } = useWords();
  return <span class={`badge badge-${(NAMES[state] ?? "unknown").toLowerCase()}`}>{t(stateKey(state))}</span>;
}
