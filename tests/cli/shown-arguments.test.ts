import { expect } from "chai";
import { commands } from "../../cli/vocabulary.ts";
import { runHere } from "../support/run-here.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";

/** A title for the terminal window, a colour, a direction override, a character without width. */
const EVIL = "a\u001b]0;owned\u0007\u001b[31m\u202eb\u200b\u009b2J";
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b]/u;

describe("what comes from the command's own arguments", () => {
  let service: StandIn;
  before(async () => {
    service = await startStandIn({});
  });
  after(() => service.close());

  const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const lines: string[][] = [
    [EVIL],
    [`--${EVIL}`],
    ["--url", `http://${EVIL}`, "list"],
    ["--url", EVIL, "list"],
    ["--profile", EVIL, "list"],
    ["--timeout", EVIL, "list"],
    ["--timezone", EVIL, "list"],
    ["list", "--limit", EVIL],
    ["find", id, "--user", EVIL, "--code", EVIL],
    ["create", "--name", EVIL, "--total", "5", "--start", EVIL],
    ["create", "--name", EVIL, "--total", "5", "--start", "in 1h", "--dry-run=client"],
    ["create", "--name", "x", "--total", EVIL, "--start", "in 1h"],
    ["verify", id, "--history", EVIL],
    ["stats", id, "--svg", `/${EVIL}/x`],
    ["export", id, "--out", `/${EVIL}/x`],
    ["completion", EVIL],
    ["help", EVIL],
    ...commands.map(({ name }) => [name, EVIL]),
    ...commands.map(({ name }) => [name, id, `--${EVIL}`]),
  ];

  it("is obeyed by no terminal, whatever refuses it, in words and in JSON", async () => {
    let told = 0;
    for (const args of lines)
      for (const more of [[], ["--json"]]) {
        const { stdout, stderr } = await runHere([...args, ...more], { url: service.url });
        if (/owned/.test(stdout + stderr)) told += 1;
        expect(OBEYED.exec(stdout + stderr)?.[0], JSON.stringify([args, stdout, stderr])).to.equal(undefined);
        if (more.length > 0 && stderr.startsWith("{"))
          for (const line of stderr.trim().split("\n")) JSON.parse(line);
      }
    // Most of them are shown; otherwise the test would have checked nothing.
    expect(told).to.be.greaterThan(lines.length);
  });
});
