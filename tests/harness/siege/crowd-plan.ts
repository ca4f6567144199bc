/** What a crowd process is told, as JSON in its environment. */
export type CrowdPlan = {
  readonly url: string;
  readonly grpcPort: number;
  readonly campaignId: string;
  /** A campaign of the same service, for tokens that are limited to another one. */
  readonly otherCampaignId: string;
  /** Honest users, whose ids the crowd knows and whose tokens it does not. */
  readonly victims: readonly string[];
  /** Users of the crowd that have valid tokens: each is entitled to one coupon. */
  readonly accomplices: readonly string[];
  /** Signs the tokens of the accomplices, and those that are refused for another reason than that. */
  readonly secret: string;
  readonly audience: string;
  /** The public key of the shop, in PEM, as everybody may know it. */
  readonly publicKey: string;
  readonly keyId: string;
  readonly addresses: readonly string[];
  readonly ratePerSecond: number;
  /** Whether the times of honest users beside it are judged. */
  readonly isMeasured: boolean;
  /** The kinds of requests and of attacks on connections that it makes; empty: all. */
  readonly only: readonly string[];
};

export const PLAN_SETTING = "SIEGE_CROWD_PLAN";
/** Begins the line that a crowd process prints when it attacks, and the one with its report. */
export const ATTACKING = "crowd: attacking";
export const REPORT = "crowd: report ";

/** The requests of one kind, and what came of them. */
export type KindCounts = {
  sent: number;
  answered: number;
  /** By HTTP status. */
  readonly statuses: Record<string, number>;
  /** Connections that ended before all answers had come. */
  cut: number;
  /** Answers that gave what the sender had no right to. */
  granted: number;
};

export type CrowdReport = {
  readonly seconds: number;
  readonly kinds: Readonly<Record<string, KindCounts>>;
  /** The coupons that accomplices were answered, each pair once. */
  readonly taken: readonly (readonly [userId: string, code: string])[];
  /** How often each attack on connections was made. */
  readonly attacks: Readonly<Record<string, number>>;
};
