/** What is known of imported codes, for the odds of a guess. */
export type ImportedCodes = {
  /** The characters of the shortest. */
  shortest: number;
  /** Whether any has a digit, a letter, a syllable. */
  digits: boolean;
  letters: boolean;
  syllables: boolean;
};

/** Codes that an operator brings: their coupons have its id as `campaignId` before the campaign exists. */
export type CodeImportDoc = {
  /** The id that the campaign gets. */
  _id: string;
  /** The request id of its begin; absent: discarded. */
  key?: string;
  state: "open" | "used" | "discarded";
  /** Rows taken without a gap. */
  rows: number;
  codes: ImportedCodes;
  createdAt: Date;
  /** When it last took rows or was begun again, on MongoDB's clock; absent: never, as far as is known. */
  touchedAt?: Date;
  /** It was discarded, and its codes are not known to be removed. */
  removing?: true;
};

/** A row of an import with a fault. */
export type CodeFaultDoc = {
  /** `import/row`, with leading zeros. */
  _id: string;
  row: number;
  kind: "empty" | "bad-character" | "too-long" | "duplicate" | "clash";
  ofRow?: number;
  campaignId?: string;
  detail?: string;
};
