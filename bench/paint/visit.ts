import type { BrowserContext, CDPSession } from "playwright-core";
import { until } from "../../local/poll.ts";
import { HANG_MS } from "../../tests/support/patience.ts";
import type { Loaded, Observed } from "./figures.ts";
import type { Profile } from "./profiles.ts";

export type Visit = { readonly observed: Observed; readonly loaded: readonly Loaded[] };

export type VisitPlan = {
  readonly url: string;
  /** What is on the page once it shows what its reader came for. */
  readonly ready: string;
  readonly profile: Pick<Profile, "slowdown" | "latencyMs" | "downBitsPerSecond" | "upBitsPerSecond">;
};

/** A page rests when it has neither loaded nor worked for so long. */
const REST_MS = 2_000;
const LOOK_MS = 100;
const TEXT = /^(text\/|application\/(json|javascript)|image\/svg)/;

type Entry = PerformanceEntry & { readonly value: number; readonly hadRecentInput: boolean };

/** Opens the page in a new tab of the profile, waits until it rests, and closes it. */
export async function visit(context: BrowserContext, { url, ready, profile }: VisitPlan): Promise<Visit> {
  const page = await context.newPage();
  try {
    const session = await context.newCDPSession(page);
    const network = await watchNetwork(session);
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: profile.latencyMs,
      downloadThroughput: profile.downBitsPerSecond / 8,
      uploadThroughput: profile.upBitsPerSecond / 8,
    });
    await session.send("Emulation.setCPUThrottlingRate", { rate: profile.slowdown });
    await page.addInitScript(observe);
    await page.goto(url, { timeout: HANG_MS });
    await untilReady(session, ready);
    await untilRest(session, network);
    return { observed: await observedOf(session), loaded: network.loaded() };
  } finally {
    await page.close();
  }
}

type Network = { readonly loaded: () => Loaded[]; readonly isIdle: () => boolean; restsSinceMs(): number };

async function watchNetwork(session: CDPSession): Promise<Network> {
  const paths = new Map<string, string>();
  const plain = new Set<string>();
  const cached = new Set<string>();
  const open = new Set<string>();
  const loaded: Loaded[] = [];
  let lastMs = performance.now();
  const note = (): void => {
    lastMs = performance.now();
  };
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (!request.url.startsWith("http")) return;
    open.add(requestId);
    paths.set(requestId, new URL(request.url).pathname);
    note();
  });
  session.on("Network.requestServedFromCache", ({ requestId }) => void cached.add(requestId));
  session.on("Network.responseReceived", ({ requestId, response }) => {
    const { headers, mimeType, fromDiskCache, status } = response;
    if (fromDiskCache === true) cached.add(requestId);
    const isCoded = Object.keys(headers).some((name) => name.toLowerCase() === "content-encoding");
    if (status === 200 && TEXT.test(mimeType) && !isCoded) plain.add(requestId);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    open.delete(requestId);
    const path = paths.get(requestId);
    if (path === undefined) return;
    const bytes = cached.has(requestId) ? 0 : encodedDataLength;
    loaded.push({ path, bytes, isPlainText: plain.has(requestId) });
    note();
  });
  session.on("Network.loadingFailed", ({ requestId }) => {
    open.delete(requestId);
    note();
  });
  await session.send("Network.enable");
  return { loaded: () => [...loaded], isIdle: () => open.size === 0, restsSinceMs: () => lastMs };
}

async function untilReady(session: CDPSession, selector: string): Promise<void> {
  const isThere = () =>
    evaluate<boolean>(session, `document.querySelector(${JSON.stringify(selector)}) !== null`);
  if (!(await until(isThere, HANG_MS, LOOK_MS)))
    throw new Error(`${selector} did not appear within ${HANG_MS} ms`);
}

async function untilRest(session: CDPSession, network: Network): Promise<void> {
  const isAtRest = async (): Promise<boolean> => {
    const { longTasks } = await observedOf(session);
    const worked = longTasks.at(-1);
    const nowMs = await evaluate<number>(session, "performance.now()");
    const hasRested = worked === undefined || nowMs - (worked.atMs + worked.lengthMs) > REST_MS;
    return hasRested && network.isIdle() && performance.now() - network.restsSinceMs() > REST_MS;
  };
  if (!(await until(isAtRest, HANG_MS, LOOK_MS)))
    throw new Error(`the page did not come to rest within ${HANG_MS} ms`);
}

/**
 * Past Playwright, which runs a script of its own in a page that it looks into: of 50 ms on the phone, where
 * that would count as the page's.
 */
async function evaluate<T>(session: CDPSession, expression: string): Promise<T> {
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    ...{ expression, returnByValue: true },
  });
  if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
  return result.value as T;
}

async function observedOf(session: CDPSession): Promise<Observed> {
  const told = await evaluate<Told>(session, "observed");
  // JSON has no NaN, which stands for a paint that there was not.
  const timeOf = (name: keyof Paints): number => told[name] ?? Number.NaN;
  return {
    ...told,
    firstPaintMs: timeOf("firstPaintMs"),
    firstContentfulPaintMs: timeOf("firstContentfulPaintMs"),
    largestContentfulPaintMs: timeOf("largestContentfulPaintMs"),
  };
}

type Paints = Pick<Observed, "firstPaintMs" | "firstContentfulPaintMs" | "largestContentfulPaintMs">;
type Told = Omit<Observed, keyof Paints> & { readonly [name in keyof Paints]: number | null };

/** Runs in the page, before its own scripts. */
function observe(): void {
  const observed = {
    ...{ firstPaintMs: Number.NaN, firstContentfulPaintMs: Number.NaN, largestContentfulPaintMs: Number.NaN },
    shifts: [] as { atMs: number; value: number }[],
    longTasks: [] as { atMs: number; lengthMs: number }[],
  };
  Object.assign(globalThis, { observed });
  new PerformanceObserver((list) => {
    for (const {
      entryType,
      name,
      startTime,
      duration,
      value,
      hadRecentInput,
    } of list.getEntries() as Entry[]) {
      if (name === "first-paint") observed.firstPaintMs = startTime;
      if (name === "first-contentful-paint") observed.firstContentfulPaintMs = startTime;
      if (entryType === "largest-contentful-paint") observed.largestContentfulPaintMs = startTime;
      if (entryType === "layout-shift" && !hadRecentInput) observed.shifts.push({ atMs: startTime, value });
      if (entryType === "longtask") observed.longTasks.push({ atMs: startTime, lengthMs: duration });
    }
  }).observe({ entryTypes: ["paint", "largest-contentful-paint", "layout-shift", "longtask"] });
}
