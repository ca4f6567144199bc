import type { Benchmark } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { peakMemoryMb } from "./ground.ts";

export const generation: Benchmark = {
  name: "generation",
  what: "a million codes made, recorded and loaded",
  effort: { rounds: 1, seconds: 1 },
  async run({ ground, signal }) {
    const startedAtMs = performance.now();
    await campaignIn(ground, "scheduled", 1_000_000, signal);
    const figures = [
      { name: "million_codes", value: (performance.now() - startedAtMs) / 1_000, unit: "s" },
      { name: "million_codes_peak_memory", value: peakMemoryMb(ground.service.pid), unit: "MB" },
    ];
    return { figures };
  },
};
