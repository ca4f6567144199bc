import type { Benchmark } from "./benchmark.ts";
import { certificate } from "./certificate.ts";
import { claimsAt } from "./claims.ts";
import { firstSecond } from "./first-second.ts";
import { generation } from "./generation.ts";
import { lone } from "./lone.ts";
import { neighbours } from "./neighbours.ts";
import { onlookers } from "./onlookers.ts";
import { openLoop } from "./open-loop-latency.ts";
import { opening } from "./opening.ts";
import { overload, shedding } from "./overload/overload.ts";
import { poolSizes } from "./pool-sizes.ts";
import { reading } from "./reading.ts";
import { recordSize } from "./record-size.ts";
import { refusals } from "./refusals.ts";
import { sinks } from "./sinks.ts";
import { status } from "./status.ts";
import { tracing } from "./tracing.ts";

/** In the order in which they run: generation first, while the service's memory is fresh. */
export const benchmarks: readonly Benchmark[] = [
  generation,
  opening,
  firstSecond,
  claimsAt(64),
  claimsAt(256),
  refusals,
  status,
  poolSizes,
  openLoop,
  lone,
  neighbours,
  overload,
  shedding,
  reading,
  onlookers,
  recordSize,
  certificate,
  tracing,
  sinks,
];
