import type { ErasureMarks } from "../../claims/erasure-marks.ts";

/** The marks of a process for which no campaign has erased users. */
export const NO_ERASURES: ErasureMarks = {
  demanded: () => undefined,
  pseudonymOf: () => undefined,
  note: () => undefined,
  onErased: () => undefined,
  start: async () => undefined,
  stop: async () => undefined,
};
