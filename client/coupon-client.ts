import type { Transport } from "@connectrpc/connect";
import { type Caller, type CallOptions, requireDuration, type Token } from "./caller.ts";
import { type ClaimOptions, claim } from "./claim.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Connection, deviceConnection } from "./connection.ts";
import { type Countdown, type CountdownOptions, countdown } from "./countdown.ts";
import { createFetchTransport, type Fetch } from "./fetch-transport.ts";
import { type FindBy, find, status } from "./look-up.ts";
import type { ClaimOutcome, FindOutcome, StatusOutcome } from "./outcome.ts";
import { createRequestKeys } from "./request-keys.ts";
import { type StorageChoice, storageOf } from "./storage.ts";

export type { CallOptions, Progress, Token } from "./caller.ts";
export type { ClaimOptions } from "./claim.ts";
export type { Clock, Waker } from "./clock.ts";
export type { Connection } from "./connection.ts";
export type { Countdown, CountdownOptions, CountdownView } from "./countdown.ts";
export type { Fetch } from "./fetch-transport.ts";
export type { KeyStorage } from "./key-storage.ts";
export type { FindBy } from "./look-up.ts";
export type {
  CampaignStateName,
  CampaignStatus,
  ClaimAuthName,
  ClaimOutcome,
  CommonOutcome,
  Coupon,
  FindOutcome,
  StatusOutcome,
} from "./outcome.ts";
export type { StorageChoice } from "./storage.ts";

export type CouponClientOptions = {
  /** Of the service, such as `https://coupons.example`; "" in a page of the service itself. */
  readonly baseUrl: string;
  /** Any transport of Connect; default: this library's own over fetch, which is smaller. */
  readonly transport?: Transport | undefined;
  /** Sent with claims and look-ups as `authorization: Bearer …`. */
  readonly token?: Token | undefined;
  /** Where request ids are kept; default `session`. */
  readonly storage?: StorageChoice | undefined;
  /** Of one try; default 8 s, longer than the service's own deadline. */
  readonly tryTimeoutMs?: number | undefined;
  readonly fetch?: Fetch | undefined;
  readonly clock?: Clock | undefined;
  /** From 0 to 1, for the jitter of waits. */
  readonly random?: (() => number) | undefined;
  readonly connection?: Connection | undefined;
};

export type CouponClient = {
  /**
   * Claims a coupon: asks with one key until the answer is definite. Safe to call again and again: the same
   * key has the same coupon.
   * @throws the signal's reason
   */
  claim(campaignId: string, options?: ClaimOptions): Promise<ClaimOutcome>;
  /** The time to the start on the service's clock, and the campaign's state, as they change. */
  countdown(campaignId: string, options?: CountdownOptions): Countdown;
  /** @throws the signal's reason */
  status(campaignId: string, options?: CallOptions): Promise<StatusOutcome>;
  /** @throws the signal's reason */
  find(campaignId: string, by: FindBy, options?: CallOptions): Promise<FindOutcome>;
  /** Forgets the kept request id: the next claim of this user is a new one. */
  forget(campaignId: string, by?: { readonly userId?: string | undefined }): Promise<void>;
};

/** The clock of a client that is given none: for a page that waits by the same one. */
export const deviceClock: Clock = systemClock;

const TRY_TIMEOUT_MS = 8_000;

/** @throws TypeError where `baseUrl` is no address: each try would fail, as without a network. */
function requireAddress(baseUrl: string): void {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  if (!/^https?:$/.test(protocolOf(baseUrl, page)))
    throw new TypeError(`baseUrl "${baseUrl}" is no address such as https://coupons.example`);
}

function protocolOf(address: string, base: string | undefined): string {
  try {
    return new URL(address, base).protocol;
  } catch {
    return "";
  }
}

/** @throws TypeError where `baseUrl` is no address of HTTP, RangeError where `tryTimeoutMs` is no time */
export function createCouponClient(options: CouponClientOptions): CouponClient {
  const { baseUrl, token, storage = "session", clock = systemClock, random = Math.random } = options;
  const { tryTimeoutMs = TRY_TIMEOUT_MS } = options;
  requireDuration("tryTimeoutMs", tryTimeoutMs);
  if (options.transport === undefined && options.fetch === undefined) requireAddress(baseUrl);
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const caller: Caller = {
    transport: options.transport ?? createFetchTransport(baseUrl, fetch),
    connection: options.connection ?? deviceConnection,
    ...{ token, clock, random, tryTimeoutMs },
  };
  const keys = createRequestKeys(storageOf(storage), clock);
  return {
    claim: (campaignId, claimOptions = {}) => claim(caller, keys, campaignId, claimOptions),
    countdown: (campaignId, countdownOptions = {}) => countdown(caller, campaignId, countdownOptions),
    status: (campaignId, callOptions = {}) => status(caller, campaignId, callOptions),
    find: (campaignId, by, callOptions = {}) => find(caller, campaignId, by, callOptions),
    forget: (campaignId, { userId = "" } = {}) => keys.forget(campaignId, userId),
  };
}
