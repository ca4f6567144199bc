import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createHistoryWriter, monotonicNs, parseEntry, readHistory } from "../../audit/history.ts";
import { type Line, linesOf } from "../../audit/lines.ts";
import { healthyBooks } from "../support/written-books.ts";

describe("history file", () => {
  let dir = "";
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "audit-history-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  async function written(): Promise<{ file: string; entries: ReturnType<typeof healthyBooks>["history"] }> {
    const file = join(dir, "history.jsonl");
    const entries = healthyBooks({ total: 4, issued: 4 }).history;
    entries.push({
      ...(entries[0] as (typeof entries)[0]),
      outcome: { kind: "unknown", message: 'reset "by peer"\n' },
    });
    const writer = createHistoryWriter(file);
    for (const entry of entries) writer.write(entry);
    await writer.close();
    return { file, entries };
  }

  it("gives back what was written, and only its owner may read it", async () => {
    const { file, entries } = await written();
    expect(await readHistory(file)).to.deep.equal(entries);
    expect((await stat(file)).mode & 0o077).to.equal(0);
  });

  it("leaves out a last line that was cut off", async () => {
    const { file, entries } = await written();
    await appendFile(file, '{"claimKey":"user-9","invo');
    expect(await readHistory(file)).to.deep.equal(entries);
  });

  it("refuses a broken line in the middle, naming it", async () => {
    const { file, entries } = await written();
    const [line = ""] = (await readFile(file, "utf8")).split("\n");
    await appendFile(file, `{"claimKey":"user-9"}\n${line}\n`);
    const failure = await readHistory(file).then(
      () => "read",
      (error: Error) => error.message,
    );
    expect(failure).to.equal(`${file}: line ${entries.length + 1} is not a history entry`);
  });

  const broken = (file: string): Promise<string> =>
    readHistory(file).then(
      (entries) => `${entries.length} entries`,
      (error: Error) => `${error.name}: ${error.message}`,
    );

  it("refuses a last line that is whole and no entry, also where it is the only one", async () => {
    const { file, entries } = await written();
    await appendFile(file, "garbage\r\n");
    expect(await broken(file)).to.equal(
      `HistoryBroken: ${file}: line ${entries.length + 1} is not a history entry`,
    );
    await writeFile(file, "garbage\n");
    expect(await broken(file)).to.equal(`HistoryBroken: ${file}: line 1 is not a history entry`);
    await writeFile(file, "garbage");
    expect(await broken(file)).to.equal("0 entries");
    await writeFile(file, "");
    expect(await broken(file)).to.equal("0 entries");
  });

  it("takes a last line that lacks only its end, and any kind of line end", async () => {
    const { file, entries } = await written();
    const text = await readFile(file, "utf8");
    await writeFile(file, text.trimEnd());
    expect(await readHistory(file)).to.deep.equal(entries);
    await writeFile(file, text.replaceAll("\n", "\r\n\r\n"));
    expect(await readHistory(file)).to.deep.equal(entries);
  });

  it("refuses a line of more than 64 KiB, naming it, however long it is", async () => {
    const { file, entries } = await written();
    await appendFile(file, "x".repeat(200_000));
    expect(await broken(file)).to.equal(
      `HistoryBroken: ${file}: line ${entries.length + 1} is longer than 65536 bytes`,
    );
    expect(await broken("/dev/zero")).to.equal("HistoryBroken: /dev/zero: line 1 is longer than 65536 bytes");
    const [entry] = entries;
    const long = { ...entry, outcome: { kind: "unknown", message: "x".repeat(60_000) } };
    await writeFile(file, `${JSON.stringify(long)}\n`);
    expect(await readHistory(file)).to.deep.equal([long]);
  });

  it("finds the same lines wherever the file is cut into pieces", async () => {
    const file = join(dir, "lines");
    // Longer than one read from the file, and with characters of several bytes across the edges of the reads.
    const lines = Array.from({ length: 9_000 }, (_line, index) => "가a나".repeat(index % 40));
    await writeFile(file, lines.join("\n"));
    const found: Line[] = [];
    for await (const line of linesOf(file, 1_000)) found.push(line);
    expect(found.map(({ text }) => text)).to.deep.equal(lines);
    expect(found.map(({ number }) => number)).to.deep.equal(lines.map((_line, index) => index + 1));
    expect(found.filter(({ ended }) => !ended)).to.have.length(1);
  });

  it("refuses entries whose fields are not of their type", () => {
    const good = { claimKey: "k", invokedAtMs: 1, answeredAtMs: 2, invokedOrder: 1, answeredOrder: 2 };
    const issued = { kind: "issued", code: "가0", seq: 1, issuedAtMs: 1, replayed: false };
    expect(parseEntry(JSON.stringify({ ...good, outcome: issued }))).not.to.equal(undefined);
    const bad = [
      { ...good, outcome: { ...issued, seq: "1" } },
      { ...good, outcome: { ...issued, generation: 1.5 } },
      { ...good, outcome: { kind: "refused" } },
      { ...good, outcome: { kind: "lost" } },
      { ...good, invokedOrder: 3, outcome: issued },
      { ...good, claimKey: 7, outcome: issued },
      "text",
      null,
    ];
    for (const value of bad)
      expect(parseEntry(JSON.stringify(value)), JSON.stringify(value)).to.equal(undefined);
  });

  it("has a clock that does not go back", () => {
    let last = 0;
    for (let i = 0; i < 10_000; i += 1) {
      const now = monotonicNs();
      expect(now).to.be.at.least(last);
      last = now;
    }
  });
});
