import { readFileSync } from "node:fs";
import { expect } from "chai";
import {
  allowedIn,
  LIFE_CYCLE,
  PHASES,
  type Phase,
  phaseOf,
  recordedAs,
  SYSTEM_STEPS,
  VERBS,
} from "../../campaign/life-cycle.ts";
import { drawing, table } from "./life-cycle-drawing.ts";

describe("the life cycle", () => {
  it("docs/life-cycle.md draws the very table", () => {
    const page = readFileSync(new URL("../../docs/life-cycle.md", import.meta.url), "utf8");
    expect(page).to.contain(`\`\`\`mermaid\n${drawing()}\n\`\`\``);
    expect(page).to.contain(table());
  });

  it("a verb that was done is already done, or the campaign has gone on since", () => {
    for (const phase of PHASES) {
      for (const verb of ["pause", "resume", "end", "cancel"] as const) {
        const next = LIFE_CYCLE[phase][verb];
        if (next === "already" || next === "refused") continue;
        expect(LIFE_CYCLE[next][verb], `${verb} after ${verb} in ${phase}`).to.equal("already");
      }
    }
  });

  it("nothing leads out of ENDED and CANCELLED, nothing opens a second time before its start", () => {
    const finals: Phase[] = ["ENDED", "CANCELLED"];
    for (const phase of finals) {
      for (const verb of VERBS) expect([phase, "already", "refused"]).to.include(LIFE_CYCLE[phase][verb]);
      expect(SYSTEM_STEPS.map(({ from }) => from)).not.to.include(phase);
    }
    const opened: Phase[] = ["OPEN", "PAUSED", "SOLD_OUT"];
    for (const phase of opened) {
      expect(LIFE_CYCLE[phase].reschedule).to.equal("refused");
      for (const verb of VERBS)
        expect(LIFE_CYCLE[phase][verb]).not.to.be.oneOf(["SCHEDULED", "PAUSED_BEFORE_OPENING"]);
    }
  });

  it("every phase can be left for good, and every one but the first is reached", () => {
    const reached = new Set<string>(SYSTEM_STEPS.map(({ to }) => to));
    for (const phase of PHASES) for (const verb of VERBS) reached.add(LIFE_CYCLE[phase][verb]);
    for (const phase of PHASES.slice(1)) expect([...reached]).to.include(phase);
    for (const phase of PHASES) {
      if (phase === "ENDED" || phase === "CANCELLED") continue;
      expect(LIFE_CYCLE[phase].cancel).to.equal("CANCELLED");
      expect(allowedIn(phase)).to.include("cancel");
    }
  });

  it("tells what is allowed in the words of the command, each once", () => {
    expect(allowedIn("GENERATING")).to.deep.equal(["reschedule", "add", "cancel", "edit"]);
    expect(allowedIn("OPEN")).to.deep.equal(["pause", "add", "end", "cancel", "edit"]);
    expect(allowedIn("CANCELLED")).to.deep.equal(["edit"]);
  });

  it("the phase: operators' decisions from the record, what came by itself from the pool", () => {
    const openedAt = new Date(1);
    const none = { state: "", opened: false } as const;
    const of = (state: Parameters<typeof phaseOf>[0], pool: Parameters<typeof phaseOf>[2], at?: Date) =>
      phaseOf(state, at, pool);
    expect(of("SCHEDULED", { state: "staged", opened: false })).to.equal("SCHEDULED");
    expect(of("SCHEDULED", { state: "open", opened: true })).to.equal("OPEN");
    expect(of("GENERATING", { state: "open", opened: true })).to.equal("OPEN");
    expect(of("GENERATING", none)).to.equal("GENERATING");
    expect(of("OPEN", { state: "ended", opened: true })).to.equal("ENDED");
    expect(of("SOLD_OUT", { state: "ended", opened: true })).to.equal("ENDED");
    expect(of("SOLD_OUT", { state: "open", opened: true })).to.equal("SOLD_OUT");
    expect(of("PAUSED", { state: "paused", opened: false })).to.equal("PAUSED_BEFORE_OPENING");
    expect(of("PAUSED", { state: "paused", opened: true })).to.equal("PAUSED");
    expect(of("PAUSED", none, openedAt)).to.equal("PAUSED");
    expect(of("PAUSED", { state: "ended", opened: true })).to.equal("ENDED");
    // A change that is on record and that the pool has not followed yet.
    expect(of("CANCELLED", { state: "open", opened: true })).to.equal("CANCELLED");
    expect(of("PAUSED", { state: "open", opened: true })).to.equal("PAUSED");
    expect(PHASES.map(recordedAs)).to.include("PAUSED").and.not.include("PAUSED_BEFORE_OPENING");
  });
});
