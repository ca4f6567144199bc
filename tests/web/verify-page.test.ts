import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { buildVerifyPage } from "../../web/verify-page.mjs";
import {
  certificateOf,
  codeOf,
  commitmentOf,
  proofOf,
  receiptOf,
  sampleLaunch,
  userOf,
} from "../proof/sample-launch.ts";
import { withBrowser } from "../support/browser.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("the page that checks certificates, opened from disk in Chromium", () => {
  const browser = withBrowser();
  const dir = temporaryDir();
  const launch = sampleLaunch(70, 61);
  const lines = certificateOf(launch);

  before(() => buildVerifyPage(dir.path));
  after(() => dir.remove());

  function write(name: string, content: readonly string[]): string {
    const path = join(dir.path, name);
    writeFileSync(path, `${content.join("\n")}\n`);
    return path;
  }

  /** What the page shows of a file. `given`: texts by the id of their field. */
  async function checked(
    content: readonly string[],
    given: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, string>> = {},
  ) {
    const { page, troubles } = await browser.open({ offline: true });
    await page.goto(pathToFileURL(join(dir.path, "verify.html")).href);
    await page.setInputFiles("#file", write("given.jsonl", content));
    for (const [id, path] of Object.entries(files)) await page.setInputFiles(`#${id}`, path);
    for (const [id, text] of Object.entries(given)) await page.fill(`#${id}`, text);
    await page.click("button");
    await page.waitForSelector("#result li");
    const ok = await page.getAttribute("#result", "data-ok");
    const refused = await page.locator("#result li.refused").allTextContents();
    const notes = await page.locator("#result li.note").allTextContents();
    expect(troubles).to.deep.equal([]);
    return { ok: ok === "true", refused: refused.join("\n"), notes };
  }

  it("a certificate, a commitment and a proof hold, with nothing left to note", async () => {
    const saved = write("commitment.jsonl", commitmentOf(launch));
    const key = { "public-key": launch.key.publicKey };
    expect(await checked(lines, key, { commitment: saved })).to.deep.equal({
      ok: true,
      refused: "",
      notes: [],
    });
    expect(await checked(commitmentOf(launch))).to.include({ ok: true, refused: "" });
    const given = { code: codeOf(6), user: userOf(7), ...key };
    expect(await checked(proofOf(launch, 7), given)).to.deep.equal({ ok: true, refused: "", notes: [] });
    expect((await checked(proofOf(launch, 7), { user: userOf(8) })).refused).to.include("user: ");
  });

  it("a receipt is compared with the certificate", async () => {
    const path = write("certificate.jsonl", lines);
    const given = { user: "loser", "public-key": launch.key.publicKey };
    const told = (reason: string, afterMs: number) =>
      checked(receiptOf(reason, afterMs), given, { certificate: path });
    expect(await told("ENDED", 1_000)).to.deep.equal({ ok: true, refused: "", notes: [] });
    expect((await told("NOT_STARTED", 5_000)).refused).to.include("contradiction: the campaign opened at ");
  });

  it("a swapped code, a removed issuance, exchanged ranks and a changed signature are refused", async () => {
    const swapped = lines.with(12, String(lines[12]).replace(/^\["[\w-]{43}"/, `["${"A".repeat(43)}"`));
    expect((await checked(swapped)).refused).to.match(/issue-root: .*\n.*commitment-root: /);
    expect((await checked(lines.toSpliced(20, 1))).refused).to.include("count: 61 issuances were signed");
    const exchanged = lines.toSpliced(10, 2, String(lines[11]), String(lines[10]));
    expect((await checked(exchanged)).refused).to.match(/order: .*ranks were exchanged/);
    const signature = String(lines[1]).replace(/:"./, (start) => (start === ':"A' ? ':"B' : ':"A'));
    const changed = await checked(lines.with(1, signature));
    expect(changed.ok).to.equal(false);
    expect(changed.refused).to.include("signature: ");
  });
});
