import { createHash } from "node:crypto";
import { expect } from "chai";
import { keyHashOf } from "../../proof/leaves.ts";
import { makeSigningKey, readSigningKey } from "../../proof/signing-key.ts";
import { receiptLine, signatureLine } from "../../proof/statements.ts";
import { nodeTools } from "../../verifier/node-tools.mjs";
import { verifyFile } from "../../verifier/verify.mjs";
import {
  certificateOf,
  codeOf,
  commitmentOf,
  headLinesOf,
  proofOf,
  SAMPLE_CAMPAIGN,
  type SampleLaunch,
  sampleLaunch,
  TEST_KEY,
  userOf,
} from "../proof/sample-launch.ts";

type Given = Parameters<typeof verifyFile>[2];

/** In parts of a few bytes, so that a letter of several bytes is cut. */
async function* bytesOf(lines: readonly string[]) {
  const bytes = Buffer.from(`${lines.join("\n")}\n`);
  for (let at = 0; at < bytes.length; at += 1_001) yield bytes.subarray(at, at + 1_001);
}

const verdictOf = (lines: readonly string[], given?: Given) => verifyFile(bytesOf(lines), nodeTools, given);

async function reasonsOf(lines: readonly string[], given?: Given): Promise<string[]> {
  const { ok, findings } = await verdictOf(lines, given);
  const reasons = findings.flatMap(({ level, reason }) => (level === "refused" ? [reason ?? ""] : []));
  expect(ok, reasons.join()).to.equal(reasons.length === 0);
  return reasons;
}

/** A line of the certificate: the first with an issuance is 2. */
function withLine(lines: readonly string[], at: number, change: (line: string) => string): string[] {
  return lines.map((line, i) => (i === at ? change(line) : line));
}

/** The same launch with other issuances, signed by the operator itself. */
const forged = (launch: SampleLaunch, change: Partial<SampleLaunch>) =>
  certificateOf({ ...launch, ...change });

const otherHash = (text: string) => createHash("sha256").update(text).digest();

describe("verifier: a certificate", () => {
  const launch = sampleLaunch(70, 61);
  const lines = certificateOf(launch);

  it("holds as it was made, also where nothing or everything was issued", async () => {
    expect(await reasonsOf(lines)).to.deep.equal([]);
    expect(await reasonsOf(certificateOf(sampleLaunch(5, 0)))).to.deep.equal([]);
    expect(await reasonsOf(certificateOf(sampleLaunch(8, 8)))).to.deep.equal([]);
    const given = { publicKey: launch.key.publicKey, commitment: commitmentOf(launch) };
    expect(await reasonsOf(lines, given)).to.deep.equal([]);
  });

  it("is refused where a code was swapped", async () => {
    const swapped = otherHash("another code").toString("base64url");
    const changed = withLine(lines, 12, (line) => line.replace(/^\["[\w-]{43}"/, `["${swapped}"`));
    expect(await reasonsOf(changed)).to.deep.equal(["issue-root", "commitment-root"]);
  });

  it("is refused where an issuance was removed, or one added", async () => {
    const removed = await reasonsOf(lines.toSpliced(20, 1));
    expect(removed).to.include.members(["count", "issue-root", "code-missing", "commitment-root"]);
    const added = lines.toSpliced(63, 0, String(lines[62]).replace(/,(\d+),1,61,/, ",$1,1,62,"));
    expect(await reasonsOf(added)).to.include.members(["code-twice", "key-twice", "count", "issue-root"]);
  });

  it("is refused where two ranks were exchanged, as whole lines or only their holders", async () => {
    const [one = "", other = ""] = [lines[10], lines[11]];
    expect(await reasonsOf(lines.toSpliced(10, 2, other, one))).to.deep.equal(["order", "issue-root"]);
    const keyOf = (line: string) => line.slice(48, 91);
    const exchanged = lines.toSpliced(
      10,
      2,
      one.replace(keyOf(one), keyOf(other)),
      other.replace(keyOf(other), keyOf(one)),
    );
    expect(await reasonsOf(exchanged)).to.deep.equal(["issue-root"]);
  });

  it("is refused where a byte of the signature was changed, or one of what was signed", async () => {
    const changed = withLine(lines, 1, (line) =>
      line.replace(/[A-Z]/, (letter) => (letter === "A" ? "B" : "A")),
    );
    expect(changed[1]).not.to.equal(lines[1]);
    expect(await reasonsOf(changed)).to.deep.equal(["signature"]);
    const renamed = withLine(lines, 0, (line) => line.replace("표본", "표번"));
    expect(await reasonsOf(renamed)).to.deep.equal(["signature"]);
  });

  it("is refused where a code that was left was held back, or one was slipped in", async () => {
    expect(await reasonsOf(lines.slice(0, -1))).to.deep.equal(["code-missing", "commitment-root"]);
    const moved = lines.toSpliced(-2, 2, String(lines.at(-1)), String(lines.at(-2)));
    expect(await reasonsOf(moved)).to.deep.equal(["left-order"]);
    const swapped = withLine(lines, lines.length - 1, (line) =>
      line.replace(/"[\w-]{43}"/, `"${"A".repeat(43)}"`),
    );
    expect(await reasonsOf(swapped)).to.deep.equal(["commitment-root"]);
  });

  it("is refused where the operator itself signs a swapped code, against a commitment that was saved", async () => {
    const codeHash = otherHash("a code for a friend");
    const issuances = launch.issuances.with(7, { ...nth(launch, 7), codeHash });
    expect(await reasonsOf(forged(launch, { issuances }))).to.deep.equal(["commitment-root"]);
    // It also makes a new commitment, which holds alone, and not beside the one that was saved.
    const again = sampleLaunch(70, 61);
    const commitments = [{ ...first(again), madeAtMs: first(again).madeAtMs - 1 }];
    const remade = forged(again, { commitments });
    expect(await reasonsOf(remade)).to.deep.equal([]);
    expect(await reasonsOf(remade, { commitment: commitmentOf(launch) })).to.deep.equal(["commitment"]);
  });

  it("is refused where the operator itself signs a false order, instant or second coupon", async () => {
    const early = launch.issuances.with(0, { ...nth(launch, 0), issuedAtMs: 1_000 });
    expect(await reasonsOf(forged(launch, { issuances: early }))).to.deep.equal(["early"]);
    const twice = launch.issuances.with(3, { ...nth(launch, 3), keyHash: nth(launch, 2).keyHash });
    expect(await reasonsOf(forged(launch, { issuances: twice }))).to.deep.equal(["key-twice"]);
    const order = launch.issuances.with(3, { ...nth(launch, 3), seq: 3 });
    expect(await reasonsOf(forged(launch, { issuances: order }))).to.deep.equal(["order"]);
  });

  it("is refused with another key than the one that was published", async () => {
    const other = makeSigningKey();
    const signedByAnother = certificateOf(sampleLaunch(70, 61, readSigningKey(other.pem)));
    expect(await reasonsOf(signedByAnother)).to.deep.equal([]);
    expect(await reasonsOf(signedByAnother, { publicKey: launch.key.publicKey })).to.deep.equal([
      "public-key",
    ]);
  });

  it("is refused where it is written otherwise than the format says", async () => {
    for (const bad of [
      ...[[], [""], ["{}"], ["not JSON"], ["[1,2]"], lines.slice(0, 1)],
      withLine(lines, 0, (line) => line.replace(",", ", ")),
      withLine(lines, 5, (line) => ` ${line}`),
      withLine(lines, 5, (line) => `${line}\r`),
      [...lines, ""],
      [...lines, String(lines[3])],
    ])
      expect((await reasonsOf(bad)).length, JSON.stringify(bad.slice(0, 1))).to.be.greaterThan(0);
  });

  it("notes a commitment that was made after the opening, and codes without one", async () => {
    const { openedAtMs } = JSON.parse(String(headLinesOf(launch)[0])) as { openedAtMs: number };
    const late = { ...launch, commitments: [{ ...first(launch), madeAtMs: openedAtMs + 1 }] };
    const texts = (await verdictOf(certificateOf(late))).findings.map(
      ({ level, text }) => `${level} ${text}`,
    );
    expect(
      texts.some((text) => /^note .*after it opened/.test(text)),
      texts.join("\n"),
    ).to.equal(true);
    const none = await verdictOf(certificateOf({ ...launch, commitments: [], codeHashes: [] }));
    expect(none.ok).to.equal(true);
    expect(none.findings.map(({ text }) => text)).to.include("no commitment to the codes was made");
  });
});

describe("verifier: a proof and a receipt", () => {
  const launch = sampleLaunch(70, 61);

  it("show a winner's rank and code, and no other's", async () => {
    for (const rank of [1, 2, 32, 60, 61]) {
      const given = { code: codeOf(rank - 1), user: userOf(rank), publicKey: launch.key.publicKey };
      expect(await reasonsOf(proofOf(launch, rank), given), `rank ${rank}`).to.deep.equal([]);
    }
    const lines = proofOf(launch, 7);
    expect(await reasonsOf(lines, { code: codeOf(7) })).to.deep.equal(["code"]);
    expect(await reasonsOf(lines, { user: userOf(8) })).to.deep.equal(["user"]);
    expect(await reasonsOf(lines.slice(0, 3))).to.deep.equal([]);
    const changed = (from: RegExp, to: string) => withLine(lines, 0, (line) => line.replace(from, to));
    expect(await reasonsOf(changed(/"rank":7/, '"rank":6'))).to.deep.equal(["issue-path"]);
    expect(await reasonsOf(changed(/"ordinal":6/, '"ordinal":5'))).to.deep.equal(["commitment-path"]);
    expect(await reasonsOf(changed(/"issuedAtMs":(\d+)\d/, '"issuedAtMs":$10'))).to.deep.equal([
      "issue-path",
    ]);
    expect(await reasonsOf([...lines, lines[0] ?? ""])).to.deep.equal(["format"]);
  });

  it("show what a server answered, and when", async () => {
    const keySalt = Buffer.alloc(32, 9);
    const line = receiptLine(
      {
        ...{ campaign: SAMPLE_CAMPAIGN, server: "server-1", atMs: 1_793_494_801_250, reason: "SOLD_OUT" },
        ...{ keySalt, keyHash: keyHashOf(keySalt, "loser") },
      },
      launch.key.publicKey,
    );
    const receipt = [line, signatureLine(readSigningKey(TEST_KEY).sign(line))];
    expect(await reasonsOf(receipt, { user: "loser" })).to.deep.equal([]);
    expect(await reasonsOf(receipt, { user: "another" })).to.deep.equal(["user"]);
    expect(await reasonsOf([line.replace("SOLD_OUT", "ENDED"), receipt[1] ?? ""])).to.deep.equal([
      "signature",
    ]);
  });
});

function nth({ issuances }: SampleLaunch, index: number) {
  const issuance = issuances[index];
  if (issuance === undefined) throw new Error(`the sample has no issuance ${index}`);
  return issuance;
}

function first({ commitments }: SampleLaunch) {
  const [commitment] = commitments;
  if (commitment === undefined) throw new Error("the sample has no commitment");
  return commitment;
}
