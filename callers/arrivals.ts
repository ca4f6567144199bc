import { seededRandom, shuffle } from "./random.ts";

/** One press of the button: its user, and when it is due, relative to the opening. */
export type Arrival = { readonly userId: string; readonly offsetMs: number; readonly isSecond: boolean };

export type ArrivalPlan = {
  readonly users: number;
  readonly ratePerSecond: number;
  readonly secondsBefore: number;
  readonly seed: number;
};

/** At most this share of the users that press twice press too early; the others press again soon or late. */
const EARLY_SHARE = 0.6;
/** An impatient second press follows its first within this fraction of the time after the opening. */
const SOON = 0.02;
/**
 * A patient second press comes after this fraction of the time after the opening: mostly when all coupons are
 * gone.
 */
const LATE = 0.6;

/** Half of the users, at least one: so at least one press is too early, however few the users are. */
export function pressingTwice(users: number): number {
  return Math.max(1, Math.floor(users / 2));
}

/**
 * The presses of all users. Half of the users press twice. Up to three in five of those press before the
 * opening, and again after it. The early presses are evenly spaced over `secondsBefore`, at most at the rate;
 * those after the opening are evenly spaced at the rate.
 */
export function planArrivals({ users, ratePerSecond, secondsBefore, seed }: ArrivalPlan): Arrival[] {
  const random = seededRandom(seed);
  const everybody = shuffle(
    Array.from({ length: users }, (_, index) => `user-${String(index + 1).padStart(6, "0")}`),
    random,
  );
  const pressTwice = everybody.slice(0, pressingTwice(users));
  const earlyMost = Math.ceil(pressTwice.length * EARLY_SHARE);
  const early = pressTwice.slice(0, Math.min(ratePerSecond * secondsBefore, earlyMost));

  const after: { userId: string; place: number; isSecond: boolean }[] = [];
  for (const userId of early) {
    // Half of the users that were too early press again at once, the others at any time.
    const place = random() < 0.5 ? random() * SOON : random();
    after.push({ userId, place, isSecond: true });
  }
  for (const userId of pressTwice.slice(early.length)) {
    const first = random();
    // Cubed: many double clicks within a few milliseconds, when the first answer is still on its way.
    const soon = first + random() ** 3 * SOON;
    const late = Math.max(first, LATE) + random() * (1 - Math.max(first, LATE));
    after.push({ userId, place: first, isSecond: false });
    after.push({ userId, place: random() < 0.5 ? soon : late, isSecond: true });
  }
  for (const userId of everybody.slice(pressTwice.length)) {
    after.push({ userId, place: random(), isSecond: false });
  }
  // A stable sort: a second press never overtakes its first.
  after.sort((a, b) => a.place - b.place);

  const earlyAtMs = (k: number) => (secondsBefore * 1_000 * (k - early.length)) / early.length;
  const atMs = (k: number) => (k * 1_000) / ratePerSecond;
  return [
    ...early.map((userId, k) => ({ userId, offsetMs: earlyAtMs(k), isSecond: false })),
    ...after.map(({ userId, isSecond }, k) => ({ userId, offsetMs: atMs(k), isSecond })),
  ];
}
