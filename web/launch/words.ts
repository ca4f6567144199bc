import type { Scene, SceneName } from "./scene.ts";

/** All that the page says, in one language. */
export type Words = {
  /** BCP 47. */
  readonly lang: "en" | "ko";
  /** How the language calls itself. */
  readonly ownName: string;
  readonly page: string;
  /** A title, and what it means for the customer. */
  readonly scenes: Readonly<Record<SceneName, readonly [title: string, text: string]>>;
  readonly buttons: Readonly<Record<Exclude<Scene["button"], "none">, string>>;
  readonly startsIn: string;
  /** Whole days of the countdown, with the unit. */
  readonly days: (days: number) => string;
  /** Told once each, in seconds before the start. */
  readonly marks: readonly (readonly [seconds: number, text: string])[];
  readonly code: string;
  readonly issued: (instant: string) => string;
  readonly copied: string;
  readonly selected: string;
  readonly typeBack: string;
  readonly typed: {
    readonly empty: string;
    readonly right: string;
    readonly unfinished: (typed: number, length: number) => string;
    readonly wrong: (at: number) => string;
  };
  readonly userId: string;
  readonly userIdMissing: string;
  readonly isFor: (user: string) => string;
  readonly change: string;
};
