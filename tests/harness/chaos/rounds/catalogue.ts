import type { Round } from "../round.ts";
import { additionRounds } from "./additions.ts";
import { clockRounds } from "./clocks.ts";
import { cutOffRounds } from "./cut-off.ts";
import { diskRounds } from "./disk.ts";
import { forcedRounds } from "./forced.ts";
import { lifeRounds } from "./life.ts";
import { limitedRounds } from "./limited.ts";
import { mixedRounds } from "./mixed.ts";
import { networkRounds } from "./network.ts";
import { replicaRounds } from "./replica.ts";
import { rollbackRounds } from "./rollback.ts";
import { serverRounds } from "./servers.ts";
import { storeRounds } from "./stores.ts";

/** Every round, in the order in which they run. */
export const catalogue: readonly Round[] = [
  ...serverRounds,
  ...lifeRounds,
  ...additionRounds,
  ...storeRounds,
  ...limitedRounds,
  ...rollbackRounds,
  ...replicaRounds,
  ...networkRounds,
  ...cutOffRounds,
  ...forcedRounds,
  ...diskRounds,
  ...clockRounds,
  ...mixedRounds,
];
