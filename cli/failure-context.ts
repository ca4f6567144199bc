/** What is known of the call that failed, for the words about it. */
export interface FailureContext {
  readonly url: string;
  readonly zone: string;
  readonly interrupted: boolean;
  /** Undefined: the arguments were not understood. */
  readonly verb?: string;
  /** As given; undefined: the verb was given none. */
  readonly campaignId?: string | undefined;
  /** Where the URL comes from: "--url", "COUPON_URL", "profile local", "default". */
  readonly urlFrom?: string;
  /** Where the token that was sent comes from; undefined: none was sent. */
  readonly tokenFrom?: string | undefined;
}
