/** The facts about the failed call, for its message. */
export interface FailureContext {
  readonly url: string;
  readonly zone: string;
  readonly interrupted: boolean;
  /** undefined: the arguments were wrong. */
  readonly verb?: string;
  /** The id as given; undefined: none was given. */
  readonly campaignId?: string | undefined;
  /** Where the URL comes from: "--url", "COUPON_URL", "profile local", "default". */
  readonly urlFrom?: string;
  /** Where the token that was sent comes from; undefined: none was sent. */
  readonly tokenFrom?: string | undefined;
}
