import type { HistoryEntry } from "../../../audit/history.ts";
import { percentilesOf } from "../../../callers/percentiles.ts";
import type { CrowdReport } from "./crowd-plan.ts";
import type { HonestResult } from "./honest-users.ts";
import type { ProcessorShares } from "./processors.ts";

/** One sale, as its users, its attackers and MongoDB saw it. */
export type SaleFacts = {
  readonly startsAtMs: number;
  readonly results: readonly HonestResult[];
  readonly history: readonly HistoryEntry[];
  /** Users of the crowd with valid tokens; none in a sale without the crowd. */
  readonly accomplices: readonly string[];
  /** undefined: the sale had no crowd. */
  readonly crowd: CrowdReport | undefined;
  readonly issuances: readonly {
    readonly userId: string;
    readonly code: string;
    readonly issuedAtMs: number;
  }[];
  /** Says whether a slow sale is the service's work or the machine's; not judged. */
  readonly shares?: ProcessorShares | undefined;
  /** What an attacker changed of the campaign, in words. */
  readonly changed: readonly string[];
  /** Invariants that `coupon verify` finds violated. */
  readonly violated: readonly string[];
};

export type ServiceFacts = {
  /** It is the process of the beginning, and ready. */
  readonly isAlive: boolean;
  readonly peakMb: number;
};

export type Verdict = {
  /** Requests that the crowd sent. */
  readonly attacks: number;
  /** Of the crowd's requests that the service answered, a second. */
  readonly crowdRate: number;
  readonly honest: number;
  /** Answers with the coupon of another user. */
  readonly crossed: number;
  /** Coupons of users without a valid token, second ones of a user, and answers that gave away more. */
  readonly stolen: number;
  readonly early: number;
  /** Honest users without a coupon of their own in the end. */
  readonly lost: number;
  readonly p99QuietMs: number;
  readonly p99CrowdMs: number;
  readonly p99Ratio: number;
  /** In words; empty: nothing is wrong. */
  readonly faults: readonly string[];
};

/** With a heap of 256 MB, a process that stays below this kept its queues and buffers bounded. */
export const PEAK_MB_MAX = 640;
/** A crowd that sent fewer requests was none. Answers are not counted: the service puts the crowd last. */
const ATTACKS_MIN = 100;
const STRICT_RATIO = 3;
/** Of the rate that the crowd tries to send. */
const STRICT_RATE_SHARE = 0.95;

export function judge(
  sales: readonly SaleFacts[],
  service: ServiceFacts,
  { strict = false, ratePerSecond = 0 }: { readonly strict?: boolean; readonly ratePerSecond?: number } = {},
): Verdict {
  const sum = (of: (sale: SaleFacts) => number) => sales.reduce((total, sale) => total + of(sale), 0);
  const p99 = (isCrowd: boolean) =>
    percentilesOf(
      sales
        .filter(({ crowd }) => (crowd !== undefined) === isCrowd)
        .flatMap(({ results }) => results.map(({ latencyMs }) => latencyMs)),
    ).at(99);
  const counts = {
    attacks: sum(({ crowd }) => (crowd === undefined ? 0 : countIn(crowd, "sent"))),
    honest: sum(({ results }) => results.length),
    crossed: sum(crossedIn),
    stolen: sum(stolenIn),
    early: sum(earlyIn),
    lost: sum(lostIn),
  };
  const [p99QuietMs, p99CrowdMs] = [p99(false), p99(true)];
  const p99Ratio = p99CrowdMs / p99QuietMs;
  const { crossed, stolen, early, lost } = counts;
  const crowdRate =
    sum(({ crowd }) => (crowd === undefined ? 0 : countIn(crowd, "answered"))) /
    Math.max(
      1,
      sum(({ crowd }) => crowd?.seconds ?? 0),
    );
  const rateLeast = STRICT_RATE_SHARE * ratePerSecond;
  const faults = [
    ...Object.entries({ crossed, stolen, early, lost })
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name}: ${count}`),
    ...sales.flatMap(({ violated }) => violated.map((name) => `coupon verify: ${name} is violated`)),
    ...sales.flatMap(({ changed }) => changed.map((what) => `an attacker changed the campaign: ${what}`)),
    ...sales
      .filter(({ crowd }) => crowd !== undefined && countIn(crowd, "sent") < ATTACKS_MIN)
      .map(() => `the crowd sent fewer than ${ATTACKS_MIN} requests in a sale: that was no attack`),
    ...(service.isAlive ? [] : ["the service did not survive"]),
    ...(service.peakMb <= PEAK_MB_MAX
      ? []
      : [`the service had ${Math.round(service.peakMb)} MB in memory, more than ${PEAK_MB_MAX}`]),
    ...(strict && !(p99Ratio <= STRICT_RATIO)
      ? [`the honest p99 is ${p99Ratio.toFixed(1)} times that without the crowd, more than ${STRICT_RATIO}`]
      : []),
    ...(strict && !(crowdRate >= rateLeast)
      ? [`the crowd had ${Math.round(crowdRate)} answers a second, fewer than ${Math.round(rateLeast)}`]
      : []),
  ];
  return { ...counts, crowdRate, p99QuietMs, p99CrowdMs, p99Ratio, faults };
}

export function countIn({ kinds }: CrowdReport, of: "sent" | "answered"): number {
  return Object.values(kinds).reduce((total, counts) => total + counts[of], 0);
}

const ownersOf = ({ issuances }: SaleFacts) => new Map(issuances.map(({ code, userId }) => [code, userId]));

/** Of an honest user's answers, of its look-up, and of what accomplices were answered. */
function crossedIn(sale: SaleFacts): number {
  const owners = ownersOf(sale);
  const foreign = (userId: string, code: string) => owners.get(code) !== userId;
  const answers = sale.history.filter(
    ({ claimKey, outcome }) => outcome.kind === "issued" && foreign(claimKey, outcome.code),
  );
  const lookUps = sale.results.filter(({ userId, found }) => found !== undefined && foreign(userId, found));
  const taken = (sale.crowd?.taken ?? []).filter(([userId, code]) => foreign(userId, code));
  return answers.length + lookUps.length + taken.length;
}

function stolenIn({ results, accomplices, issuances, crowd }: SaleFacts): number {
  const entitled = new Set([...results.map(({ userId }) => userId), ...accomplices]);
  const strangers = issuances.filter(({ userId }) => !entitled.has(userId)).length;
  const seconds = issuances.length - new Set(issuances.map(({ userId }) => userId)).size;
  const granted = Object.values(crowd?.kinds ?? {}).reduce((total, kind) => total + kind.granted, 0);
  return strangers + seconds + granted;
}

function earlyIn({ startsAtMs, issuances, history }: SaleFacts): number {
  const issued = issuances.filter(({ issuedAtMs }) => issuedAtMs < startsAtMs).length;
  const answered = history.filter(
    ({ outcome, answeredAtMs }) => outcome.kind === "issued" && answeredAtMs < startsAtMs,
  ).length;
  return issued + answered;
}

/** Each honest user should win: there is a coupon for each of them and for each accomplice. */
function lostIn({ results, issuances }: SaleFacts): number {
  const codes = new Map(issuances.map(({ code, userId }) => [userId, code]));
  return results.filter(
    ({ userId, code, found }) => code === undefined || codes.get(userId) !== code || found !== code,
  ).length;
}
