import { createCountValidation } from "../access/limits.ts";
import type { SharedBuckets } from "../access/shared-buckets.ts";
import { CircuitOpen } from "../claims/breaker.ts";
import type { StoreBreakers } from "../claims/store-breakers.ts";
import { createRedemptions } from "../record/redemptions.ts";
import { createRedeemer } from "../redemption/redeemer.ts";
import type { Config } from "../runtime/config.ts";
import { readRate } from "../runtime/limit-settings.ts";
import { createRedemptionService } from "./redemption/redemption-service.ts";
import type { SharedParts } from "./shared-parts.ts";

/** The service that redeems coupons, as a server has it. */
export function createRedemptionServiceOf(
  config: Pick<Config, "COMMIT_DEADLINE_MS" | "LIMIT_VALIDATE">,
  {
    db,
    clock,
    logger,
    metrics,
    pseudonyms,
  }: Pick<SharedParts, "db" | "clock" | "logger" | "metrics" | "pseudonyms">,
  { reads, commits }: Pick<StoreBreakers, "reads" | "commits">,
  shared: SharedBuckets | undefined,
) {
  const redeemer = createRedeemer({
    redemptions: createRedemptions(db),
    read: (call) => reads.ask(call),
    admitWrite() {
      if (!commits.holdsBack()) return;
      commits.probe();
      throw new CircuitOpen("MongoDB (durable writes) does not answer");
    },
    ...{ pseudonyms, clock, deadlineMs: config.COMMIT_DEADLINE_MS },
    onRepeat: () => metrics.redemptionsRepeated.inc(),
  });
  const onOver = () => metrics.overLimit.inc({ by: "address" });
  const countValidation = createCountValidation(readRate(config.LIMIT_VALIDATE), clock, onOver, shared);
  return createRedemptionService({ redeemer, countValidation, metrics, clock, logger });
}
