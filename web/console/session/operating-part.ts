import type { ComponentType } from "preact";
import type { openSession } from "./open-session.ts";
import type { Route } from "./router.ts";

/** The part of the console that only a signed-in operator needs. */
export type OperatingPart = {
  readonly openSession: typeof openSession;
  readonly Pages: ComponentType<{ readonly route: Route }>;
  readonly FailureNotice: ComponentType<{ readonly error: unknown }>;
};
