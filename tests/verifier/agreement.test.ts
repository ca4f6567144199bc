import { readFileSync } from "node:fs";
import { expect } from "chai";
import { nodeTools } from "../../verifier/node-tools.mjs";
import { verifyFile } from "../../verifier/verify.mjs";
import { AGREEMENT_FILE, agreementVectors } from "../proof/agreement-vectors.ts";
import { commitmentOf, receiptOf, sampleLaunch } from "../proof/sample-launch.ts";

type Given = NonNullable<Parameters<typeof verifyFile>[2]>;

async function* bytesOf(lines: readonly string[]) {
  yield Buffer.from(`${lines.join("\n")}\n`);
}

async function compared(receipt: readonly string[], certificate: readonly string[], given: Given = {}) {
  const { publicKey } = JSON.parse(receipt[0] ?? "") as { publicKey: string };
  const all = { user: "loser", publicKey, ...given, certificate: bytesOf(certificate) };
  const { ok, findings } = await verifyFile(bytesOf(receipt), nodeTools, all);
  const refused = findings.filter(({ level }) => level === "refused").map(({ reason }) => reason ?? "");
  expect(ok).to.equal(refused.length === 0);
  const texts = findings.map(({ text }) => text).join("\n");
  if (refused.length > 0) return { outcome: refused.join(), texts };
  return { outcome: findings.some(({ level }) => level === "note") ? "note" : "agrees", texts };
}

describe("verifier: a receipt against the certificate", () => {
  const file = JSON.parse(readFileSync(AGREEMENT_FILE, "utf8")) as ReturnType<typeof agreementVectors>;
  const certificateOf = (name: string) => file.certificates[name] ?? expect.fail(`no certificate ${name}`);

  it("the test vectors are what the product makes", () => {
    expect(agreementVectors()).to.deep.equal(file);
  });

  it("says of each test vector what it must say", async () => {
    for (const { receipt, certificate, toleranceMs, outcome } of file.cases) {
      const given = toleranceMs === undefined ? {} : { toleranceMs };
      const said = await compared(receipt, certificateOf(certificate), given);
      expect(said.outcome, `${receipt[0]} beside ${certificate}\n${said.texts}`).to.equal(outcome);
    }
  });

  it("tells by how much, and when", async () => {
    const { texts } = await compared(receiptOf("SOLD_OUT", 4_000), certificateOf("ended"));
    expect(texts).to.match(
      /not sold out at \S+Z: a coupon of the same codes was issued 3000 ms later, at \S+Z/,
    );
    const left = await compared(receiptOf("SOLD_OUT", 20_000), certificateOf("left"));
    expect(left.texts).to.match(/2 of the same codes were never issued/);
  });

  it("is worth nothing beside a certificate that is refused, or lacks the commitment that was saved", async () => {
    const receipt = receiptOf("SOLD_OUT", 8_000);
    const removed = certificateOf("ended").toSpliced(5, 1);
    expect((await compared(receipt, removed)).outcome).to.match(/^count,issue-root/);
    expect((await compared(receipt, receipt)).outcome).to.equal("format");
    const other = commitmentOf(sampleLaunch(9, 9));
    expect((await compared(receipt, certificateOf("ended"), { commitment: other })).outcome).to.equal(
      "commitment",
    );
  });
});
