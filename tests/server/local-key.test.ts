import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { sha256Of } from "../../runtime/hashed-key-settings.ts";
import { localKeyFile, localKeyFolder, readLocalKey } from "../../runtime/local-key-file.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createLocalKey } from "../../server/local-key.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const PORT = 8080;
const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

describe("the operators' key that a service makes at its start", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let env: { XDG_STATE_HOME: string };
  let folder: string;
  let file: string;
  let lines: string[];
  const logger = createLogger({
    level: "info",
    format: "json",
    destination: { write: (line: string) => void lines.push(line) },
  });

  beforeEach(() => {
    dir = temporaryDir();
    env = { XDG_STATE_HOME: join(dir.path, "state") };
    folder = join(env.XDG_STATE_HOME, "coupon");
    file = join(folder, `operator-${PORT}`);
    lines = [];
  });

  afterEach(() => dir.remove());

  const keyIn = (path: string) => {
    const look = readLocalKey(path);
    return look.kind === "key" ? look.key : look;
  };

  it("is in a file that the user alone may read, and never in the log, which tells the place", () => {
    const local = createLocalKey(env, logger);
    local.publish(PORT);
    expect([modeOf(file), modeOf(folder), modeOf(env.XDG_STATE_HOME)]).to.deep.equal(["600", "700", "700"]);
    const key = readFileSync(file, "utf8");
    expect(key).to.match(/^coupon_op_[A-Za-z0-9_-]{43}\n$/);
    expect(sha256Of(key.trimEnd())).to.equal(local.sha256);
    expect(lines.join("")).to.include(JSON.stringify(file)).and.not.to.include(key.trimEnd());
  });

  it("is another one at each start, and replaces what a killed service left", () => {
    createLocalKey(env, logger).publish(PORT);
    const [before, second] = [keyIn(file), createLocalKey(env, logger)];
    second.publish(PORT);
    expect(keyIn(file)).not.to.equal(before);
    expect(sha256Of(String(keyIn(file)))).to.equal(second.sha256);
  });

  it("a service on another port has a file of its own", () => {
    const [one, two] = [createLocalKey(env, logger), createLocalKey(env, logger)];
    one.publish(PORT);
    two.publish(PORT + 1);
    one.remove();
    expect(existsSync(file)).to.equal(false);
    expect(keyIn(join(folder, `operator-${PORT + 1}`))).to.be.a("string");
  });

  it("so has a service on another loopback address with the same port", () => {
    const [one, two] = [createLocalKey(env, logger), createLocalKey(env, logger)];
    one.publish(PORT);
    two.publish(PORT, "::1");
    expect(sha256Of(String(keyIn(file)))).to.equal(one.sha256);
    expect(sha256Of(String(keyIn(`${file}@::1`)))).to.equal(two.sha256);
  });

  it("is removed at the end, but not where another service has replaced it meanwhile", () => {
    const [old, next] = [createLocalKey(env, logger), createLocalKey(env, logger)];
    old.publish(PORT);
    next.publish(PORT);
    old.remove();
    expect(sha256Of(String(keyIn(file)))).to.equal(next.sha256);
    next.remove();
    expect(existsSync(file)).to.equal(false);
  });

  it("is written nowhere once the process has been asked to end", () => {
    const local = createLocalKey(env, logger);
    local.remove();
    local.publish(PORT);
    expect(existsSync(file)).to.equal(false);
  });

  it("a link in the place of the file is replaced, and what it points to is left alone", () => {
    const victim = join(dir.path, "victim");
    writeFileSync(victim, "mine");
    mkdirSync(folder, { recursive: true });
    symlinkSync(victim, file);
    createLocalKey(env, logger).publish(PORT);
    expect(readFileSync(victim, "utf8")).to.equal("mine");
    expect(lstatSync(file).isFile()).to.equal(true);
  });

  it("a folder that others may enter is closed to them before the key is in it", () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    createLocalKey(env, logger).publish(PORT);
    expect([modeOf(folder), modeOf(file)]).to.deep.equal(["700", "600"]);
  });

  it("a link in the place of the folder gets no key", () => {
    mkdirSync(env.XDG_STATE_HOME);
    mkdirSync(join(dir.path, "elsewhere"));
    symlinkSync(join(dir.path, "elsewhere"), folder);
    createLocalKey(env, logger).publish(PORT);
    expect(existsSync(join(dir.path, "elsewhere", `operator-${PORT}`))).to.equal(false);
    expect(lines.join("")).to.include("is no folder");
  });

  for (const [what, elsewhere] of Object.entries({
    "without a home": { HOME: "relative" },
    "whose home is not there": { HOME: "/nonexistent/home" },
    "on a file system that it may not write": { XDG_STATE_HOME: "/proc" },
  })) {
    it(`a service ${what} starts, and warns that no operator can call it`, () => {
      const local = createLocalKey(elsewhere, logger);
      local.publish(PORT);
      local.remove();
      const [line = "{}"] = lines;
      expect(JSON.parse(line)).to.include({ level: "warn" });
      expect(line).to.match(/no operator can call this service until OPERATOR_KEYS or OPERATOR_TOKEN is set/);
      expect(existsSync("/nonexistent")).to.equal(false);
    });
  }

  it("is found in ~/.local/state where XDG_STATE_HOME is not set, or no absolute path", () => {
    for (const more of [{}, { XDG_STATE_HOME: "" }, { XDG_STATE_HOME: "state" }])
      expect(localKeyFolder({ HOME: "/home/kim", ...more })).to.equal("/home/kim/.local/state/coupon");
    expect(localKeyFile(env, 1)).to.equal(join(folder, "operator-1"));
  });

  describe("is not trusted", () => {
    beforeEach(() => createLocalKey(env, logger).publish(PORT));

    const spoilt: Record<string, [spoil: () => void, why: string]> = {
      "where others may read it": [() => chmodSync(file, 0o640), "other users may read or change it"],
      "where others may write it": [() => chmodSync(file, 0o602), "other users may read or change it"],
      "where it has a second name": [
        () => linkSync(file, join(dir.path, "second")),
        "it has a second name (a hard link)",
      ],
      "where it is a link": [
        () => {
          renameSync(file, `${file}-moved`);
          symlinkSync(`${file}-moved`, file);
        },
        "it is a link",
      ],
      "where it is a folder": [
        () => {
          renameSync(file, `${file}-moved`);
          mkdirSync(file);
        },
        "it is no regular file",
      ],
      "where it holds something else": [() => writeFileSync(file, "short\n"), "it holds no key"],
      "where it is long": [() => writeFileSync(file, "k".repeat(1_000_000)), "it holds no key"],
    };
    for (const [what, [spoil, why]] of Object.entries(spoilt)) {
      it(what, () => {
        spoil();
        expect(readLocalKey(file)).to.deep.equal({ kind: "wrong", why });
      });
    }

    it("and a missing one is no fault", () => {
      expect(readLocalKey(join(folder, "operator-1"))).to.deep.equal({ kind: "absent" });
      expect(readLocalKey(join(file, "operator-1"))).to.deep.equal({ kind: "absent" });
    });
  });
});
