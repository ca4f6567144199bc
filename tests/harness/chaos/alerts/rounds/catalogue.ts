import type { AlertRound } from "../alert-round.ts";
import { budgetRounds } from "./budgets.ts";
import { campaignRounds } from "./campaigns.ts";
import { processRounds } from "./processes.ts";
import { repairRounds } from "./repairs.ts";
import { sinkRounds } from "./sinks.ts";
import { storeRounds } from "./stores.ts";

/** Every round of `--alerts`, in the order in which they run: the one whose alert lingers is the first. */
export const alertCatalogue: readonly AlertRound[] = [
  ...repairRounds,
  ...campaignRounds,
  ...processRounds,
  ...storeRounds,
  ...budgetRounds,
  ...sinkRounds,
];
