import { LIFE_CYCLE, PHASES, type Phase, SYSTEM_STEPS, VERBS } from "../../campaign/life-cycle.ts";

/**
 * The state machine for docs/life-cycle.md: a Mermaid diagram of the changes of phase, made from the table
 * that the service judges by.
 */
export function drawing(): string {
  const arrows = new Map<string, string[]>();
  const arrow = (from: Phase, to: Phase, label: string) => {
    const key = `${from} --> ${to}`;
    arrows.set(key, [...(arrows.get(key) ?? []), label]);
  };
  for (const { from, to, when } of SYSTEM_STEPS) arrow(from, to, `(${when})`);
  for (const from of PHASES) {
    for (const verb of VERBS) {
      const to = LIFE_CYCLE[from][verb];
      if (to !== "already" && to !== "refused" && to !== from) arrow(from, to, verb);
    }
  }
  const lines = [...arrows].map(([key, labels]) => `  ${key}: ${labels.join(", ")}`);
  return [
    "stateDiagram-v2",
    "  [*] --> GENERATING: create",
    ...lines,
    "  ENDED --> [*]",
    "  CANCELLED --> [*]",
  ].join("\n");
}

/** The result of each verb in each phase; – is a refusal, = changes the campaign but not its phase. */
export function table(): string {
  const cell = (phase: Phase, verb: (typeof VERBS)[number]) => {
    const step = LIFE_CYCLE[phase][verb];
    if (step === "refused") return "–";
    return step === phase ? "=" : step;
  };
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...VERBS]),
    row(["---", ...VERBS.map(() => "---")]),
    ...PHASES.map((phase) => row([phase, ...VERBS.map((verb) => cell(phase, verb))])),
  ].join("\n");
}
