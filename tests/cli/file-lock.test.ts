import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type FileLock, takeFileLock } from "../../cli/file-lock.ts";

describe("cli file lock", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "coupon-lock-"));
    path = join(folder, "x.lock");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const take = () => takeFileLock(path, "the export");
  const refused = (): Promise<string> =>
    take().then(
      () => "taken",
      (error: Error) => error.message,
    );
  const holder = {
    ...{ id: "a", run: "b", host: hostname(), boot: "", pid: process.ppid },
    since: "2026-12-24T11:00:00.000Z",
  };
  /** Larger than any process id of Linux or macOS. */
  const nobody = 2 ** 30;

  it("is one's until it is released", async () => {
    const lock = await take();
    await lock.assertHeld();
    expect(await refused()).to.match(new RegExp(`^process ${process.pid} on .* is at work on the export$`));
    await lock.release();
    expect(await readdir(folder)).to.deep.equal([]);
    await (await take()).release();
  });

  it("who lost it is told, and does not release another's", async () => {
    const lock = await take();
    await writeFile(path, JSON.stringify(holder));
    const told = await lock.assertHeld().catch((error: Error) => error.message);
    expect(told).to.match(/is at work on the export/);
    await lock.release();
    expect(JSON.parse(await readFile(path, "utf8"))).to.deep.equal(holder);
  });

  const found: [what: string, text: string, isTaken: boolean][] = [
    ["of a dead process", JSON.stringify({ ...holder, pid: nobody }), false],
    ["of a living process", JSON.stringify(holder), true],
    ["of an earlier process of our number", JSON.stringify({ ...holder, pid: process.pid }), false],
    ["of another machine", JSON.stringify({ ...holder, pid: nobody, host: "elsewhere" }), true],
    ["that nobody can read", "", true],
    ["that names a group of processes", JSON.stringify({ ...holder, pid: -1 }), true],
  ];
  // Another user may have put these there, in a folder in which both may write.
  const strange: Record<string, () => unknown> = {
    "a pipe": () => execFileSync("mkfifo", [path]),
    "a folder": () => mkdir(path),
    "a link to nowhere": () => symlink(join(folder, "nowhere"), path),
    "a link to the record of a dead process": async () => {
      await writeFile(join(folder, "dead"), JSON.stringify({ ...holder, pid: nobody }));
      await symlink(join(folder, "dead"), path);
    },
    "a link to what does not end": () => symlink("/dev/zero", path),
    "more than a record has": () => writeFile(path, Buffer.alloc(1_000_000, " ")),
  };
  for (const [what, put] of Object.entries(strange)) {
    it(`${what} in its place is not read, and stands`, async () => {
      await put();
      const before = await readdir(folder);
      expect(await refused()).to.equal("another process is at work on the export");
      expect(await readdir(folder)).to.deep.equal(before);
    });
  }

  for (const [what, text, isTaken] of found) {
    it(`one ${what} ${isTaken ? "stands" : "is taken over"}`, async () => {
      await writeFile(path, text);
      if (isTaken) {
        expect(await refused()).to.match(/is at work on the export/);
        expect(await readFile(path, "utf8")).to.equal(text);
        return;
      }
      await (await take()).release();
      expect(await readdir(folder)).to.deep.equal([]);
    });
  }

  it("one of before the machine was started again is taken over", async function () {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
    if (boot === "") this.skip();
    await writeFile(path, JSON.stringify({ ...holder, boot: "another" }));
    await (await take()).release();
    await writeFile(path, JSON.stringify({ ...holder, boot: boot.trim() }));
    expect(await refused()).to.match(/is at work on the export/);
  });

  it("of many that see it dead at once, at most one holds it", async () => {
    let taken = 0;
    for (let round = 0; round < 100; round++) {
      await writeFile(path, JSON.stringify({ ...holder, pid: nobody }));
      const all = await Promise.allSettled(Array.from({ length: 6 }, take));
      const locks = all.flatMap((one): FileLock[] => (one.status === "fulfilled" ? [one.value] : []));
      const held = await Promise.allSettled(locks.map((lock) => lock.assertHeld()));
      const holders = held.filter(({ status }) => status === "fulfilled").length;
      expect(holders).to.be.at.most(1);
      taken += holders;
      for (const lock of locks) await lock.release();
      await rm(path, { force: true });
      expect(await readdir(folder)).to.deep.equal([]);
    }
    expect(taken, "it was taken over").to.be.at.least(90);
  });
});
