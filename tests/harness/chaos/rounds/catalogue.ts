import type { Round } from "../round.ts";
import { additionRounds } from "./additions.ts";
import { certificateRounds } from "./certificates.ts";
import { clockRounds } from "./clocks.ts";
import { clusterFailoverRounds } from "./cluster/failover.ts";
import { clusterMixedRounds } from "./cluster/mixed.ts";
import { clusterOutageRounds } from "./cluster/outage.ts";
import { clusterSlotRounds } from "./cluster/slots.ts";
import { cutOffRounds } from "./cut-off.ts";
import { diskRounds } from "./disk.ts";
import { electionRounds } from "./elections.ts";
import { erasureRounds } from "./erasures.ts";
import { forcedRounds } from "./forced.ts";
import { lifeRounds } from "./life.ts";
import { limitedRounds } from "./limited.ts";
import { mixedRounds } from "./mixed.ts";
import { networkRounds } from "./network.ts";
import { placeRounds } from "./places.ts";
import { redemptionRounds } from "./redemptions.ts";
import { replicaRounds } from "./replica.ts";
import { rollbackRounds } from "./rollback.ts";
import { sentinelRounds } from "./sentinel.ts";
import { serverRounds } from "./servers.ts";
import { storeRounds } from "./stores.ts";

/** Every round, in the order in which they run. */
export const catalogue: readonly Round[] = [
  ...serverRounds,
  ...lifeRounds,
  ...additionRounds,
  ...storeRounds,
  ...limitedRounds,
  ...placeRounds,
  ...erasureRounds,
  ...certificateRounds,
  ...rollbackRounds,
  ...replicaRounds,
  ...networkRounds,
  ...electionRounds,
  ...cutOffRounds,
  ...forcedRounds,
  ...diskRounds,
  ...clockRounds,
  ...mixedRounds,
  ...redemptionRounds,
  ...clusterFailoverRounds,
  ...clusterSlotRounds,
  ...clusterOutageRounds,
  ...clusterMixedRounds,
  ...sentinelRounds,
];
