/** The start and the moment before it that a preflight was made for. */
export type PreflightTurn = {
  readonly campaignId: string;
  readonly startsAt: Date;
  /** How long before the start, in ms. */
  readonly beforeMs: number;
  /**
   * The campaign's revision: after every change a new preflight is made, also where the start returns to an
   * earlier value.
   */
  readonly revision: number;
};

/** A preflight that a scheduler made by itself. */
export type PreflightDoc = PreflightTurn & {
  /** `campaign/start in ms/ms before it/revision`: one each; the first scheduler makes it. */
  _id: string;
  /** When it began, on the clock of the scheduler that made it. */
  at: Date;
  /** Absent: it is under way, or its scheduler has crashed. */
  colour?: string;
  /** The lines that were not green. */
  lines?: { check: string; colour: string; finding: string; advice: string }[];
};
