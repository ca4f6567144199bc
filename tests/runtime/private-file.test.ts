import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  appendPrivateFile,
  createPrivateFile,
  emptyPrivateFile,
  openPrivateFile,
  UnsafeFile,
} from "../../runtime/private-file.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const CONTENT = "what another file holds";
const STRANGER = 65_534;

interface Trap {
  readonly name: string;
  readonly why: RegExp;
  /** Puts something at `path`; `other` is a file that must stay as it is. */
  lay(path: string, other: string): void;
  /** Only root can give a file to another user. */
  readonly rootOnly?: boolean;
}

const traps: readonly Trap[] = [
  { name: "a symbolic link", why: /is a symbolic link/, lay: (path, other) => symlinkSync(other, path) },
  { name: "a hard link", why: /has 2 names/, lay: (path, other) => linkSync(other, path) },
  {
    name: "a file that others may write",
    why: /is open to other users \(mode 0666\)/,
    lay(path) {
      writeFileSync(path, CONTENT);
      chmodSync(path, 0o666);
    },
  },
  {
    name: "a file that the group may read",
    why: /is open to other users \(mode 0640\)/,
    lay(path) {
      writeFileSync(path, CONTENT);
      chmodSync(path, 0o640);
    },
  },
  {
    name: "another user's file",
    why: /belongs to another user \(uid 65534\)/,
    rootOnly: true,
    lay(path) {
      writeFileSync(path, CONTENT, { mode: 0o600 });
      chownSync(path, STRANGER, STRANGER);
    },
  },
];

describe("private files", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let path = "";
  let other = "";
  beforeEach(() => {
    dir = temporaryDir();
    path = join(dir.path, "draft");
    other = join(dir.path, "other");
    writeFileSync(other, CONTENT, { mode: 0o600 });
  });
  afterEach(() => dir.remove());

  const modeOf = (file: string) => statSync(file).mode & 0o777;

  const ways: readonly [name: string, open: () => unknown][] = [
    ["open", async () => (await openPrivateFile(path))?.close()],
    ["empty", async () => (await emptyPrivateFile(path)).close()],
    ["append", () => closeSync(appendPrivateFile(path))],
  ];
  const isRoot = process.geteuid?.() === 0;
  for (const { name, why, lay } of traps.filter(({ rootOnly }) => isRoot || rootOnly !== true)) {
    for (const [way, open] of ways) {
      it(`${way} refuses ${name}, and changes nothing`, async () => {
        lay(path, other);
        const before = statSync(path);
        const error: unknown = await (async () => open())().catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(UnsafeFile);
        expect((error as Error).message)
          .to.include(path)
          .and.match(why);
        expect([readFileSync(path, "utf8"), readFileSync(other, "utf8")]).to.deep.equal([CONTENT, CONTENT]);
        expect(statSync(path).mode).to.equal(before.mode);
      });
    }
  }

  it("create refuses whatever is there, a link that leads nowhere too", async () => {
    symlinkSync(join(dir.path, "nothing"), path);
    const error: unknown = await createPrivateFile(path).catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "EEXIST");
  });

  it("a folder, and a pipe that nobody writes to, are refused at once", async () => {
    mkdirSync(path);
    for (const open of [openPrivateFile, emptyPrivateFile]) {
      const error: unknown = await open(path).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(Error);
    }
  });

  it("what it makes is for its owner alone, whatever the umask, and is opened again", async () => {
    const before = process.umask(0);
    try {
      for (const open of [createPrivateFile, openPrivateFile, emptyPrivateFile]) {
        const handle = await open(path);
        await handle?.writeFile("row\n");
        await handle?.close();
        expect(modeOf(path)).to.equal(0o600);
      }
      const log = appendPrivateFile(join(dir.path, "log"));
      closeSync(log);
      expect(modeOf(join(dir.path, "log"))).to.equal(0o600);
    } finally {
      process.umask(before);
    }
    expect(await openPrivateFile(join(dir.path, "none"))).to.equal(undefined);
  });

  it("append goes on at the end, and takes rights away from others where it is told to", () => {
    writeFileSync(path, "old\n");
    chmodSync(path, 0o644);
    const file = appendPrivateFile(path, { tighten: true });
    writeSync(file, "new\n");
    closeSync(file);
    expect([readFileSync(path, "utf8"), modeOf(path)]).to.deep.equal(["old\nnew\n", 0o600]);
    symlinkSync(other, join(dir.path, "link"));
    expect(() => appendPrivateFile(join(dir.path, "link"), { tighten: true })).to.throw(UnsafeFile);
  });
});
