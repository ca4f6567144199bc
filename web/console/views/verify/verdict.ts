import { CheckVerdict, type VerifyCheck } from "../../../../proto/gen/coupon/v1/verify_pb.ts";

/** The result of a check, worst first. `prevented`: it could be judged, but something prevented that. */
export const RESULTS = ["violated", "prevented", "unknown", "notJudged", "holds"] as const;
export type Result = (typeof RESULTS)[number];

export function resultOf({ verdict, prevented }: Pick<VerifyCheck, "verdict" | "prevented">): Result {
  switch (verdict) {
    case CheckVerdict.HOLDS:
      return "holds";
    case CheckVerdict.VIOLATED:
      return "violated";
    case CheckVerdict.NOT_JUDGED:
      return prevented ? "prevented" : "notJudged";
    default:
      // A newer service may have a verdict that is unknown to this page.
      return "unknown";
  }
}

/** The checks of one guarantee, with the worst of their results. */
export type Finding = {
  readonly invariant: string;
  readonly result: Result;
  readonly checks: readonly VerifyCheck[];
};

/** One finding for each guarantee, in the order of the report. */
export function findingsOf(checks: readonly VerifyCheck[]): Finding[] {
  const byInvariant = new Map<string, VerifyCheck[]>();
  for (const check of checks) {
    const same = byInvariant.get(check.invariant) ?? [];
    same.push(check);
    byInvariant.set(check.invariant, same);
  }
  return [...byInvariant].map(([invariant, same]) => ({
    invariant,
    checks: same,
    result: RESULTS.find((result) => same.some((check) => resultOf(check) === result)) ?? "unknown",
  }));
}

/** `green`: nothing is wrong, and nothing prevented a check. One that cannot be judged now is no fault. */
export type Verdict = "green" | "violated" | "unjudged";

export function verdictOf(checks: readonly VerifyCheck[]): Verdict {
  const results = checks.map(resultOf);
  if (results.includes("violated")) return "violated";
  return results.includes("prevented") || results.includes("unknown") || checks.length === 0
    ? "unjudged"
    : "green";
}

/** Guarantees that only callers' own records show; `coupon verify --history` reads those. */
export const OF_CALLERS: readonly string[] = ["U2", "U6", "U7"];
