import type { BrowserContextOptions } from "playwright-core";

/** What a visit is judged by; times in milliseconds, the layout shift without a unit. */
export type Judged = "firstContentfulPaintMs" | "largestContentfulPaintMs" | "layoutShift" | "blockingMs";

/** A device and its network, emulated by Chromium. */
export type Profile = {
  readonly device: BrowserContextOptions;
  /** Work in the page takes so many times as long. */
  readonly slowdown: number;
  /** Each request waits so long for the first byte of its answer. */
  readonly latencyMs: number;
  readonly downBitsPerSecond: number;
  readonly upBitsPerSecond: number;
  /** The most with which Lighthouse calls a page good, on this kind of device. */
  readonly good: Readonly<Record<Judged, number>>;
};

export type ProfileName = "desktop" | "phone";

/**
 * As Lighthouse measures. Its phone is a mid-range one on a slow 4G network: 150 ms and 1.6 Mbit/s, which the
 * throttling of DevTools comes near to with 3.75 times the latency and 0.9 times the rate. Source:
 * GoogleChrome/lighthouse, docs/throttling.md; its scoring guide for what is good.
 */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  desktop: {
    device: { viewport: { width: 1_350, height: 940 }, deviceScaleFactor: 1 },
    slowdown: 1,
    latencyMs: 40,
    downBitsPerSecond: 10_240_000,
    upBitsPerSecond: 10_240_000,
    good: {
      ...{ firstContentfulPaintMs: 900, largestContentfulPaintMs: 1_200 },
      ...{ layoutShift: 0.1, blockingMs: 150 },
    },
  },
  phone: {
    device: {
      ...{ viewport: { width: 412, height: 823 }, deviceScaleFactor: 1.75 },
      ...{ isMobile: true, hasTouch: true },
    },
    slowdown: 4,
    latencyMs: 150 * 3.75,
    downBitsPerSecond: 1_638_400 * 0.9,
    upBitsPerSecond: 750_000 * 0.9,
    good: {
      ...{ firstContentfulPaintMs: 1_800, largestContentfulPaintMs: 2_500 },
      ...{ layoutShift: 0.1, blockingMs: 200 },
    },
  },
};
