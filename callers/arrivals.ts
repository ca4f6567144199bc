import { seededRandom, shuffle } from "./random.ts";

/** One press of the button: by whom, and when it is due, relative to the opening. */
export type Arrival = { readonly userId: string; readonly offsetMs: number; readonly isSecond: boolean };

export type ArrivalPlan = {
  readonly users: number;
  readonly ratePerSecond: number;
  readonly secondsBefore: number;
  readonly seed: number;
};

/** Of those who press twice, so many at most are too early: the others double-click, or come again late. */
const EARLY_SHARE = 0.6;
/** Within this part of the time after the opening, an impatient second press follows its first. */
const SOON = 0.02;
/**
 * After this part of the time after the opening, a patient second press comes: mostly after everything is
 * gone.
 */
const LATE = 0.6;

/** Half of the users, and at least one, so that somebody is too early whatever the number. */
export function pressingTwice(users: number): number {
  return Math.max(1, Math.floor(users / 2));
}

/**
 * Who presses when. Half of the users press twice. Up to three in five of those press before the opening, and
 * again after it. The early presses are evenly spaced over `secondsBefore`, at most at the rate; those after
 * the opening are evenly spaced at the rate.
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
    // Half of those who were too early are back at once, the others at any time.
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
