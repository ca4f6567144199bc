import { seededRandom, shuffle } from "./random.ts";

/** One press of the button: by whom, and when it is due, relative to the opening. */
export type Arrival = { readonly userId: string; readonly offsetMs: number; readonly isSecond: boolean };

export type ArrivalPlan = {
  readonly users: number;
  readonly ratePerSecond: number;
  readonly secondsBefore: number;
  readonly seed: number;
};

/** Within this part of the time after the opening, an impatient second press follows its first. */
const SOON = 0.02;
/** After this part of the time after the opening, a patient second press comes: mostly after everything is gone. */
const LATE = 0.6;

/**
 * Who presses when. Half of the users press twice. Those who press before the opening are among them, so each of them presses
 * again after it. Arrivals are evenly spaced: number k is due k / rate after the first, and the opening falls between the last
 * early one and the next.
 */
export function planArrivals({ users, ratePerSecond, secondsBefore, seed }: ArrivalPlan): Arrival[] {
  const random = seededRandom(seed);
  const everybody = shuffle(
    Array.from({ length: users }, (_, index) => `user-${String(index + 1).padStart(6, "0")}`),
    random,
  );
  const pressTwice = everybody.slice(0, Math.floor(users / 2));
  const early = pressTwice.slice(0, ratePerSecond * secondsBefore);

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

  const offsetMs = (k: number) => (k * 1_000) / ratePerSecond;
  return [
    ...early.map((userId, k) => ({ userId, offsetMs: offsetMs(k - early.length), isSecond: false })),
    ...after.map(({ userId, isSecond }, k) => ({ userId, offsetMs: offsetMs(k), isSecond })),
  ];
}
