import type { AuthenticateOperator } from "../../access/operators.ts";

/** Takes every caller for an operator with all rights, in tests that are not about credentials. */
export const anyone: AuthenticateOperator = () => ({
  kind: "operator",
  operator: { name: "tester", role: "admin", isShared: true },
});
