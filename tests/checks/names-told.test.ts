import { expect } from "chai";
import { contractTold } from "../../checks/contract-told.mjs";
import { exitCodesTold } from "../../checks/exit-codes-told.mjs";
import { invariantsTold } from "../../checks/invariants-told.mjs";
import { metricsTold } from "../../checks/metrics-told.mjs";
import { roomsMissing } from "../../checks/rooms-told.mjs";
import { alertRoundsTold, roundsTold } from "../../checks/rounds-told.mjs";

describe("checks: the rounds of the fault harness", () => {
  const table = (cell: string) => `| event | round |\n|---|---|\n| it stops | ${cell} |\n`;
  const rounds = ["kill-it", "pause-it"];

  it("each named, test files beside them: right", () => {
    expect(roundsTold(table("`kill-it`, `pause-it`, `tests/a.test.ts`"), [], rounds)).to.deep.equal([]);
  });

  it("one not named, one that does not exist, there or on another page: red", () => {
    const other = { file: "docs/other.md", text: table("`cut-it`") };
    expect(roundsTold(table("`kill-it`, `stop-it`"), [other], rounds)).to.deep.equal([
      "docs/operations.md does not have the round pause-it",
      "docs/operations.md has stop-it, which is no round",
      "docs/other.md has cut-it, which is no round",
    ]);
  });
});

describe("checks: the rounds of --alerts", () => {
  const table = (...rows: string[]) => ["| round | what | alerts |", "|---|---|---|", ...rows].join("\n");
  const rounds = [
    { name: "hangs", alerts: ["Down", "Slow"] },
    { name: "crashes", alerts: ["Down"] },
  ];

  it("each with the alerts that it fires: right", () => {
    const right = table("| `hangs` | SIGSTOP of `it` | `Down`, `Slow` |", "| `crashes` | | `Down` |");
    expect(alertRoundsTold(right, rounds)).to.deep.equal([]);
  });

  it("one not told, one that does not exist, other alerts: red", () => {
    expect(alertRoundsTold(table("| `hangs` | | `Down` |", "| `ends` | | `Down` |"), rounds)).to.deep.equal([
      "docs/observability.md does not have the round of --alerts crashes",
      "docs/observability.md has ends, which is no round of --alerts",
      "docs/observability.md has Down for hangs: it fires Down, Slow",
    ]);
  });
});

describe("checks: the metrics", () => {
  const page = (...rows: string[]) => ["| metric | type | labels |", "|---|---|---|", ...rows].join("\n");
  const metrics = [
    { name: "coupon_a_total", type: "counter", labels: ["kind", "why"] },
    { name: "coupon_b", type: "gauge", labels: [] },
  ];

  it("each with its type and labels, in any table of metrics: right", () => {
    const right = `${page("| `coupon_a_total` | counter | `kind`, `why` |")}\n\n${page("| `coupon_b` | gauge | |")}`;
    expect(metricsTold(right, metrics)).to.deep.equal([]);
  });

  it("one not told, one that does not exist, another type or other labels: red", () => {
    expect(
      metricsTold(page("| `coupon_a_total` | gauge | `kind` |", "| `coupon_c` | gauge | |"), metrics),
    ).to.deep.equal([
      "docs/observability.md does not have the metric coupon_b",
      "docs/observability.md has coupon_c, which is no metric",
      "docs/observability.md has coupon_a_total as gauge by kind: it is counter by kind, why",
    ]);
  });
});

describe("checks: the contract", () => {
  const PAGE = `## Services

| method | |
|---|---|
| \`Give\` | |

| method | |
|---|---|
| \`Make\`, \`End\` | |
| \`Watch\` (stream) | |

## Refusals

| reason | |
|---|---|
| \`GONE\` | |
`;
  const unary = (name: string) => ({ name, stream: false });
  const services = [
    { name: "a.Public", methods: [unary("Give")] },
    { name: "a.Operators", methods: [unary("Make"), unary("End"), { name: "Watch", stream: true }] },
  ];
  const told = (page: string) => contractTold(page, services, ["GONE"]);

  it("each method in its service's table, each reason: right", () => {
    expect(told(PAGE)).to.deep.equal([]);
  });

  it("a method that is missing, is no stream, or does not exist: red", () => {
    expect(told(PAGE.replace("`Make`, ", ""))).to.deep.equal([
      "docs/api.md does not have the method of a.Operators Make",
    ]);
    expect(told(PAGE.replace(" (stream)", ""))).to.have.length(2);
    expect(told(PAGE.replace("`Give`", "`Give`, `Take`"))).to.deep.equal([
      "docs/api.md has Take, which is no method of a.Public",
    ]);
  });

  it("a reason that is missing or does not exist: red", () => {
    expect(told(PAGE.replace("GONE", "LOST"))).to.deep.equal([
      "docs/api.md does not have the reason of a refusal GONE",
      "docs/api.md has LOST, which is no reason of a refusal",
    ]);
  });
});

it("checks: an exit code that is missing or does not exist is red", () => {
  const page = "## Exit codes\n\n| code | |\n|---|---|\n| 0 | well |\n| 2 | wrong |\n";
  expect(exitCodesTold(page, { ok: 0, wrong: 2 })).to.deep.equal([]);
  expect(exitCodesTold(page, { ok: 0, bug: 1 })).to.deep.equal([
    "docs/operations.md does not have the exit code 1",
    "docs/operations.md has 2, which is no exit code",
  ]);
});

it("checks: an invariant with another title is red", () => {
  const page = "## Invariants\n\n| name | invariant | |\n|---|---|---|\n| U1 | one owner | |\n";
  expect(invariantsTold(page, { U1: "one owner" })).to.deep.equal([]);
  expect(invariantsTold(page, { U1: "one owner per code" })).to.have.length(2);
});

it("checks: a room that is not on the page is red", () => {
  const page = "## Rooms\n\n| room | holds |\n|---|---|\n| `pool/`, `record/` | stores |\n";
  expect(roomsMissing(page, ["pool", "record"])).to.deep.equal([]);
  expect(roomsMissing(page, ["pool", "claims"])).to.deep.equal([
    "docs/architecture.md does not have the room claims",
  ]);
});
