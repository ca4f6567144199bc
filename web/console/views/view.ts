import type { ComponentType } from "preact";
import type { Campaign } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { PlainKey } from "../i18n/words.ts";
import type { Api } from "../session/api.ts";
import type { WatchState } from "../watch/watch-campaign.ts";

export type ViewProps = {
  readonly campaignId: string;
  /** As the latest message or answer has it. */
  readonly campaign: Campaign;
  readonly watch: WatchState;
  readonly api: Api;
};

/** A tab of the campaign's page. */
export type View = {
  /** In the address: small letters and hyphens. */
  readonly id: string;
  readonly title: PlainKey;
  readonly component: ComponentType<ViewProps>;
};
