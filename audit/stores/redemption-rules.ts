import type { RedemptionRules } from "../redemptions.ts";
import { demandShape, type Shape } from "./document-shape.ts";

export type RulesDocument = { validFrom?: Date; validUntil?: Date; validDays?: number; max?: number };

const RULES: Shape = {
  ...{ validFrom: "date or nothing", validUntil: "date or nothing" },
  ...{ validDays: "whole number or nothing", max: "whole number or nothing" },
};

/** @throws MisshapenDocument, with the name of the campaign's document */
export function rulesOf(rules: RulesDocument | undefined, name: string): { redemption?: RedemptionRules } {
  if (rules === undefined) return {};
  demandShape(rules, RULES, `${name}, redemption`);
  const { validFrom, validUntil, validDays, max = 1 } = rules;
  const [fromMs, untilMs] = [validFrom?.getTime(), validUntil?.getTime()];
  return { redemption: { fromMs, untilMs, days: validDays, max } };
}
