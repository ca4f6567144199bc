import { ISSUE_PATH } from "../../callers/http-client.ts";
import { Trouble } from "../trouble.ts";
import type { BenchmarkContext } from "./benchmark.ts";
import { campaignIn, issuedOf } from "./campaigns.ts";
import { median } from "./compare.ts";
import type { Ground } from "./ground.ts";
import { runWrk, type WrkResult } from "./wrk.ts";

/** A load before the measurement, so that the service's code is warm and its connections are open. */
export const WARM_UP_SECONDS = 2;
export const ALL_BUSY_CONNECTIONS = 256;

/** A request with a query does not take the fast path, but Express and connect-express. */
export const PAST_LANE = `${ISSUE_PATH}?`;

/** The campaign of the coupon in the yardstick's constant answer. */
export const BARE_CAMPAIGN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** More coupons than any machine issues in a second. */
const COUPONS_A_SECOND = 40_000;
/** A machine that other programs use can become quicker later, and warm code is quicker than cold. */
const ROOM = 2;

export type Load = {
  readonly path?: string;
  readonly connections: number;
  readonly campaignId: string;
  readonly seconds: number;
  readonly ofUsers?: boolean;
};

type LoadContext = Pick<BenchmarkContext, "ground" | "signal">;

export function bareLoad(
  { ground, seconds, signal }: BenchmarkContext,
  connections: number,
): Promise<WrkResult> {
  const { baseUrl } = ground.bare;
  const target = {
    baseUrl,
    path: ISSUE_PATH,
    campaignId: BARE_CAMPAIGN,
    connections,
    seconds,
  };
  return runWrk(target, signal);
}

/** A closed loop on the service: each connection asks again as soon as it has its answer. */
export function load(
  { ground, signal }: LoadContext,
  { path = ISSUE_PATH, ...rest }: Load,
): Promise<WrkResult> {
  return runWrk({ baseUrl: ground.service.baseUrl, path, ...rest }, signal);
}

/** Claims of a campaign that has coupons for all; every answer must be a coupon that has its issuance. */
export async function claims(context: LoadContext, wanted: Load): Promise<WrkResult> {
  const { ground } = context;
  const before = await issuedOf(ground, wanted.campaignId);
  const result = await load(context, wanted);
  checkClaims(result, (await issuedOf(ground, wanted.campaignId)) - before, wanted.connections);
  return result;
}

/**
 * The requests under way at the end of the load are issued, but wrk does not read their answers: at most one
 * for each connection.
 * @throws Trouble where the numbers of answers and of issuances differ by anything else
 */
export function checkClaims({ answers, refused }: WrkResult, issued: number, connections: number): void {
  if (refused === 0 && issued >= answers && issued <= answers + connections) return;
  const words = `${answers} answers, ${refused} of them refusals, but ${issued} coupons on record`;
  throw new Trouble(refused > 0 ? `${words}: did the coupons run out?` : words);
}

/** Measures once, at the first call, how many claims a second this machine makes. */
export function createCouponsFor(ground: Ground, signal: AbortSignal): BenchmarkContext["couponsFor"] {
  let tried: Promise<number> | undefined;

  async function tryOut(): Promise<number> {
    const campaignId = await campaignIn(ground, "open", COUPONS_A_SECOND * WARM_UP_SECONDS, signal);
    const wanted = { campaignId, connections: ALL_BUSY_CONNECTIONS, seconds: WARM_UP_SECONDS };
    return (await claims({ ground, signal }, wanted)).perSecond;
  }

  return async (seconds) => {
    tried ??= tryOut();
    return Math.min(5_000_000, Math.ceil(ROOM * (await tried) * seconds));
  };
}

export const medianOf = (results: readonly WrkResult[] | undefined, of: "perSecond" | "p50Ms" | "p99Ms") =>
  median((results ?? []).map((result) => result[of]));
