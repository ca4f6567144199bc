import type { HistoryEntry } from "../../../audit/history.ts";
import { percentilesOf } from "../../../callers/percentiles.ts";
import { CONNECTION_ATTACKS } from "./connection-attacks.ts";
import type { CrowdForm } from "./crowd-form.ts";
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
  /** undefined, as the report: the sale had no crowd. */
  readonly form: CrowdForm | undefined;
  readonly crowd: CrowdReport | undefined;
  /** Its times and rates do not count; all else does. */
  readonly isWarmUp: boolean;
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

/** What the sales beside one crowd showed. */
export type CrowdFigures = {
  readonly name: CrowdForm["name"];
  /** Of the crowd's requests that the service answered. */
  readonly answersPerSecond: number;
  /** Of the honest users. */
  readonly p99Ms: number;
  /** To the p99 without a crowd. */
  readonly p99Ratio: number;
};

export type Verdict = {
  /** Requests that the crowd sent. */
  readonly attacks: number;
  readonly honest: number;
  /** Answers with the coupon of another user. */
  readonly crossed: number;
  /** Coupons of users without a valid token, second ones of a user, and answers that gave away more. */
  readonly stolen: number;
  readonly early: number;
  /** Honest users without a coupon of their own in the end. */
  readonly lost: number;
  readonly p99QuietMs: number;
  readonly crowds: readonly CrowdFigures[];
  /** In words; empty: nothing is wrong. */
  readonly faults: readonly string[];
};

/** With a heap of 256 MB, a process that stays below this kept its queues and buffers bounded. */
export const PEAK_MB_MAX = 640;
/** A crowd that sent fewer requests was none. Answers are not counted: the service puts the crowd last. */
const ATTACKS_MIN = 100;
const STRICT_RATIO = 3;

export function judge(
  sales: readonly SaleFacts[],
  service: ServiceFacts,
  { strict = false }: { readonly strict?: boolean } = {},
): Verdict {
  const sum = (of: (sale: SaleFacts) => number) => sales.reduce((total, sale) => total + of(sale), 0);
  const counts = {
    attacks: sum(({ crowd }) => (crowd === undefined ? 0 : countIn(crowd, "sent"))),
    honest: sum(({ results }) => results.length),
    crossed: sum(crossedIn),
    stolen: sum(stolenIn),
    early: sum(earlyIn),
    lost: sum(lostIn),
  };
  const measured = sales.filter(({ isWarmUp }) => !isWarmUp);
  const p99QuietMs = p99Of(measured.filter(({ form }) => form === undefined));
  const forms = new Map(
    measured.flatMap(({ form }) => (form === undefined ? [] : [[form.name, form] as const])),
  );
  const crowds = [...forms.keys()].map((name) => figuresOf(name, measured, p99QuietMs));
  const { crossed, stolen, early, lost } = counts;
  const faults = [
    ...Object.entries({ crossed, stolen, early, lost })
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name}: ${count}`),
    ...sales.flatMap(({ violated }) => violated.map((name) => `coupon verify: ${name} is violated`)),
    ...sales.flatMap(({ changed }) => changed.map((what) => `an attacker changed the campaign: ${what}`)),
    ...sales
      .filter(({ crowd, form }) => crowd !== undefined && !isAttack(crowd, form))
      .map(
        () =>
          `the crowd made fewer than ${ATTACKS_MIN} requests, or none of its attacks on connections, in a sale`,
      ),
    ...(service.isAlive ? [] : ["the service did not survive"]),
    ...(service.peakMb <= PEAK_MB_MAX
      ? []
      : [`the service had ${Math.round(service.peakMb)} MB in memory, more than ${PEAK_MB_MAX}`]),
    ...(strict
      ? crowds.flatMap((crowd) => slowness(crowd, forms.get(crowd.name)?.answersPerSecondLeast ?? 0))
      : []),
  ];
  return { ...counts, p99QuietMs, crowds, faults };
}

/** A crowd that only attacks connections sends no requests, and has to make each attack. */
function isAttack(crowd: CrowdReport, form: CrowdForm | undefined): boolean {
  const only = form?.only ?? [];
  return only.length > 0 && only.every((name) => CONNECTION_ATTACKS.includes(name))
    ? only.every((name) => (crowd.attacks[name] ?? 0) > 0)
    : countIn(crowd, "sent") >= ATTACKS_MIN;
}

const p99Of = (sales: readonly SaleFacts[]) =>
  percentilesOf(sales.flatMap(({ results }) => results.map(({ latencyMs }) => latencyMs))).at(99);

function figuresOf(name: CrowdForm["name"], all: readonly SaleFacts[], p99QuietMs: number): CrowdFigures {
  const sales = all.filter(({ form }) => form?.name === name);
  const reports = sales.flatMap(({ crowd }) => (crowd === undefined ? [] : [crowd]));
  const answered = reports.reduce((total, report) => total + countIn(report, "answered"), 0);
  const seconds = reports.reduce((total, report) => total + report.seconds, 0);
  const p99Ms = p99Of(sales);
  return { name, answersPerSecond: answered / Math.max(1, seconds), p99Ms, p99Ratio: p99Ms / p99QuietMs };
}

function slowness({ name, answersPerSecond, p99Ratio }: CrowdFigures, least: number): readonly string[] {
  const [rate, rateLeast] = [Math.round(answersPerSecond), Math.round(least)];
  return [
    ...(p99Ratio <= STRICT_RATIO
      ? []
      : [
          `${name}: the honest p99 is ${p99Ratio.toFixed(1)} times that without the crowd, more than ${STRICT_RATIO}`,
        ]),
    ...(answersPerSecond >= least
      ? []
      : [`${name}: the crowd had ${rate} answers a second, fewer than ${rateLeast}`]),
  ];
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
