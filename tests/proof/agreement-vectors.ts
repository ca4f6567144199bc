/** Writes the vectors of receipts against certificates: `tsx tests/proof/agreement-vectors.ts`. */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { rootOf } from "../../proof/merkle.ts";
import {
  certificateOf,
  OPENED_AT_MS,
  OTHER_TEST_KEY,
  receiptOf,
  type SampleLaunch,
  sampleLaunch,
} from "./sample-launch.ts";

export const AGREEMENT_FILE = new URL("./agreement.json", import.meta.url);
const [SECOND_MS, MINUTE_MS] = [1_000, 60_000];

/** A launch whose issuances are as many ms after the opening as `afterMs` says, and perhaps other facts. */
function launched(
  total: number,
  issued: number,
  afterMs: (index: number) => number,
  change: Partial<SampleLaunch> = {},
): SampleLaunch {
  const launch = { ...sampleLaunch(total, issued), ...change };
  const issuances = launch.issuances.map((one, i) => ({ ...one, issuedAtMs: OPENED_AT_MS + afterMs(i) }));
  return { ...launch, issuances };
}

/** Ten codes of which five were added a minute after the opening. */
function added(): SampleLaunch {
  const launch = launched(10, 10, (i) => (i < 5 ? i : MINUTE_MS - 40 * SECOND_MS + i * 4 * SECOND_MS));
  const [first, added] = [launch.codeHashes.slice(0, 5), launch.codeHashes.slice(5)];
  const madeAtMs = launch.commitments[0]?.madeAtMs ?? 0;
  const commitments = [
    { number: 1, first: 0, size: 5, root: rootOf(first), madeAtMs },
    { number: 2, first: 5, size: 5, root: rootOf(added), madeAtMs: OPENED_AT_MS + 20 * SECOND_MS },
  ];
  return { ...launch, commitments };
}

/** Eight coupons, one a second; the others differ from it. */
const bySecond = (i: number) => i * SECOND_MS;
const base = launched(8, 8, bySecond);
const launches = {
  ended: base,
  "sold-out": { ...base, state: "SOLD_OUT" },
  cancelled: { ...base, state: "CANCELLED" },
  left: launched(10, 8, bySecond),
  added: added(),
  rebuilt: {
    ...base,
    issuances: base.issuances.map((one, i) => (i < 6 ? one : { ...one, generation: 2 })),
  },
} satisfies Record<string, SampleLaunch>;

type Case = {
  readonly receipt: readonly string[];
  readonly certificate: keyof typeof launches;
  readonly toleranceMs?: number;
  /** `agrees`, `note`, or the reason of the refusal. */
  readonly outcome: string;
};

function casesOf(): Case[] {
  const the = (
    certificate: keyof typeof launches,
    reason: string,
    afterSeconds: number,
    outcome: string,
    toleranceMs?: number,
  ): Case => ({
    ...{ receipt: receiptOf(reason, afterSeconds * SECOND_MS), certificate, outcome },
    ...(toleranceMs === undefined ? {} : { toleranceMs }),
  });
  return [
    the("ended", "NOT_STARTED", -1, "agrees"),
    the("ended", "NOT_STARTED", 1.5, "agrees"),
    the("ended", "NOT_STARTED", 2.5, "contradiction"),
    the("ended", "NOT_STARTED", 2.5, "agrees", 3_000),
    the("ended", "NOT_READY", 2.5, "contradiction"),
    the("ended", "SOLD_OUT", 8, "agrees"),
    the("ended", "SOLD_OUT", 6, "agrees"),
    the("ended", "SOLD_OUT", 4, "contradiction"),
    the("ended", "SOLD_OUT", 4, "agrees", 3_000),
    the("ended", "SOLD_OUT", 6, "contradiction", 0),
    the("ended", "SOLD_OUT", -3, "contradiction"),
    the("left", "SOLD_OUT", 20, "contradiction"),
    the("rebuilt", "SOLD_OUT", 4, "note"),
    the("added", "SOLD_OUT", 10, "agrees"),
    the("added", "SOLD_OUT", 45, "contradiction"),
    the("added", "SOLD_OUT", 58, "agrees"),
    the("ended", "ENDED", 7, "agrees"),
    the("ended", "ENDED", 4, "contradiction"),
    the("sold-out", "ENDED", 9, "contradiction"),
    the("sold-out", "ENDED", 90, "note"),
    the("cancelled", "CANCELLED", 9, "agrees"),
    the("cancelled", "CANCELLED", 4, "contradiction"),
    the("ended", "CANCELLED", 9, "contradiction"),
    the("ended", "PAUSED", 3, "note"),
    the("ended", "OVERLOADED", 3, "note"),
    the("ended", "UNCERTAIN", 3, "note"),
    {
      ...{ receipt: receiptOf("SOLD_OUT", 8_000, { pem: OTHER_TEST_KEY }), certificate: "ended" },
      outcome: "public-key",
    },
    {
      ...{ receipt: receiptOf("SOLD_OUT", 8_000, { campaign: "01JDANOTHER000000000000000" }) },
      ...{ certificate: "ended", outcome: "campaign" },
    },
  ];
}

/** The vectors: files by name, and what a reader must say of each receipt beside one of them. */
export function agreementVectors() {
  const files = Object.entries(launches).map(([name, launch]) => [name, certificateOf(launch)] as const);
  return { certificates: Object.fromEntries(files), cases: casesOf() };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  writeFileSync(AGREEMENT_FILE, `${JSON.stringify(agreementVectors(), null, 2)}\n`);
