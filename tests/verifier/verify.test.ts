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
      withLine(lines, 5, (line) => line.replace(/,3,1,/, ",03,1,")),
      withLine(lines, lines.length - 1, (line) => line.replace(/,69\]$/, ",069]")),
      [...lines, ""],
      [...lines, String(lines[3])],
    ])
      expect((await reasonsOf(bad)).length, JSON.stringify(bad.slice(0, 1))).to.be.greaterThan(0);
  });

  it("is refused where the operator itself signs a code twice, an uncommitted one, or more than there are", async () => {
    const two = launch.issuances.with(3, { ...nth(launch, 3), codeHash: nth(launch, 2).codeHash });
    expect(await reasonsOf(forged(launch, { issuances: two, commitments: [] }))).to.deep.equal([
      "code-twice",
    ]);
    const codeHash = otherHash("a code for a friend");
    const added = { ...nth(launch, 60), codeHash, ordinal: 70, seq: 62, keyHash: otherHash("friend") };
    const more = { issuances: [...launch.issuances, added], total: 71 };
    expect(await reasonsOf(forged(launch, more))).to.deep.equal(["uncommitted"]);
    expect(await reasonsOf(forged(launch, { total: 60 }))).to.deep.equal(["total"]);
  });

  it("is refused where the operator itself signs another lateness than its instants have", async () => {
    const [head = ""] = lines;
    expect(head).to.include('"latenessMs":3,');
    for (const late of ["0", "null"]) {
      const line = head.replace('"latenessMs":3,', `"latenessMs":${late},`);
      const signed = [line, signatureLine(launch.key.sign(line)), ...lines.slice(2)];
      expect(await reasonsOf(signed), late).to.deep.equal(["lateness"]);
    }
  });

  it("is refused where its key is one that anybody can sign for", async () => {
    const identity = Buffer.alloc(32);
    identity[0] = 1;
    for (const key of [identity, Buffer.alloc(32), Buffer.from(identity).fill(0x80, 31)]) {
      const line = String(lines[0]).replace(launch.key.publicKey, key.toString("base64url"));
      // R is the neutral element and S is 0: it fits any text.
      const signature = signatureLine(Buffer.concat([identity, Buffer.alloc(32)]));
      expect(await reasonsOf([line, signature, ...lines.slice(2)])).to.deep.equal(["format"]);
    }
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

  it("show nothing of a user without a certificate, and a code as it is typed", async () => {
    const lines = proofOf(launch, 7);
    expect(await reasonsOf(lines.slice(0, 3), { user: userOf(7) })).to.deep.equal(["user"]);
    expect(await reasonsOf(lines, { code: codeOf(6).replace("마", "마-").concat(" ") })).to.deep.equal([]);
  });

  it("are refused beside another commitment than the one that was saved, or that of the certificate", async () => {
    const lines = proofOf(launch, 7);
    const commitments = [{ ...first(launch), madeAtMs: first(launch).madeAtMs - 1 }];
    const remade = { ...launch, commitments };
    for (const few of [lines, lines.slice(0, 3), commitmentOf(launch)]) {
      expect(await reasonsOf(few, { commitment: commitmentOf(launch) })).to.deep.equal([]);
      expect(await reasonsOf(few, { commitment: commitmentOf(remade) })).to.deep.equal(["commitment"]);
    }
    expect(await reasonsOf([...lines.slice(0, 3), ...headLinesOf(remade)])).to.deep.equal(["commitment"]);
    // The saved one is of codes that were added: nothing can be compared.
    const second = { ...first(launch), number: 2, first: 70, size: 5 };
    const other = commitmentOf({ ...launch, commitments: [first(launch), second] }, 2);
    const { ok, findings } = await verdictOf(lines.slice(0, 3), { commitment: other });
    expect([ok, findings.some(({ text }) => text.includes("they were not compared"))]).to.deep.equal([
      true,
      true,
    ]);
  });

  it("are refused with numbers of more than 32 bits, or with other lines than the format has", async () => {
    const lines = proofOf(launch, 7);
    const past = String(7 + 2 ** 32);
    const changed = withLine(lines, 0, (line) => line.replace('"seq":7,', `"seq":${past},`));
    expect(changed[0]).not.to.equal(lines[0]);
    expect(await reasonsOf(changed)).to.deep.equal(["format"]);
    for (const few of [lines.slice(0, 4), [...lines.slice(0, 3), lines[3] ?? ""], lines.slice(0, 2)])
      expect(await reasonsOf(few)).to.deep.equal(["format"]);
    expect(await reasonsOf([...commitmentOf(launch), "more"])).to.deep.equal(["format"]);
  });

  it("say whose key they need, and what was given in vain", async () => {
    const texts = async (lines: readonly string[], given?: Given) =>
      (await verdictOf(lines, given)).findings.map(({ text }) => text).join("\n");
    for (const lines of [proofOf(launch, 7), commitmentOf(launch)]) {
      expect(await texts(lines)).to.include(`whose key ${launch.key.publicKey} is`);
      expect(await texts(lines, { publicKey: launch.key.publicKey })).not.to.include("whose key");
    }
    expect(await texts(commitmentOf(launch), { user: "x" })).to.include(
      "the user that was given says nothing",
    );
  });

  it("are of a user, of a request, or of a user's request, as the campaign has it", async () => {
    const keySalt = Buffer.alloc(32, 9);
    const receiptOf = (claimKey: string): string[] => {
      const facts = { campaign: SAMPLE_CAMPAIGN, server: "server-1", atMs: 1, reason: "SOLD_OUT", keySalt };
      const line = receiptLine({ ...facts, keyHash: keyHashOf(keySalt, claimKey) }, launch.key.publicKey);
      return [line, signatureLine(readSigningKey(TEST_KEY).sign(line))];
    };
    const [user, request] = ["alice", "order-1"];
    const cases: readonly (readonly [string, Given, readonly string[]])[] = [
      ["alice\u001forder-1", { user, request }, []],
      ["alice\u001forder-1", { user }, ["user"]],
      ["alice\u001forder-1", { user: request, request: user }, ["user"]],
      ["alice\u001forder-1", { user, request: "order-2" }, ["user"]],
      ["order-1", { request }, []],
      ["order-1", { user, request }, []],
      ["order-1", { user }, ["user"]],
    ];
    for (const [claimKey, given, reasons] of cases)
      expect(await reasonsOf(receiptOf(claimKey), given)).to.deep.equal(reasons);
    const { findings } = await verdictOf(receiptOf("alice\u001forder-1"), { user });
    expect(findings.map(({ text }) => text).join()).to.include("give the request id too");
    expect(await reasonsOf(proofOf(launch, 7), { request: "order-1", user: userOf(7) })).to.deep.equal([]);
    expect(await reasonsOf(proofOf(launch, 7), { request: "order-1" })).to.deep.equal(["user"]);
  });

  it("are of a wrong format, not changed, where the signature has another coding than the format's", async () => {
    const [line = "", signature = ""] = commitmentOf(launch);
    const padded = signature.replace(/"signature":"([\w-]+)"/, '"signature":"$1=="');
    expect(padded).not.to.equal(signature);
    expect(await reasonsOf([line, padded])).to.deep.equal(["format"]);
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
    expect(await reasonsOf([...receipt, "more"])).to.deep.equal(["format"]);
    for (const again of [
      line.replace(/"atMs":(\d+)/, '"atMs":$1.0'),
      line.replace(/"atMs":(\d+)000/, '"atMs":$1e3'),
      line.replace('"reason":', '"reason":"ENDED","reason":'),
      line.replace("SOLD_OUT", "\\u0053OLD_OUT"),
    ])
      expect(await reasonsOf([again, signatureLine(readSigningKey(TEST_KEY).sign(again))])).to.deep.equal(
        again === line ? [] : ["format"],
      );
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
