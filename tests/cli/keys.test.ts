import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { createAuthenticateOperator } from "../../access/operators.ts";
import { readSigningKey } from "../../proof/signing-key.ts";
import { readConfig } from "../../runtime/config.ts";
import { runHere } from "../support/run-here.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const STORES = { REDIS_URL: "redis://127.0.0.1:6379", MONGODB_URL: "mongodb://127.0.0.1:27017" };
const given = (text: string) => {
  const stdin = new PassThrough();
  stdin.end(text);
  return { stdin };
};
const operatorOf = (line: string, key: string) =>
  createAuthenticateOperator({ keys: readConfig({ ...STORES, OPERATOR_KEYS: line }).OPERATOR_KEYS })(
    `Bearer ${key}`,
  );

describe("cli: keys", () => {
  it("create makes a key that the service takes for the operator, with the line that it prints", async () => {
    const { code, stdout } = await runHere([
      "keys",
      "create",
      "--name",
      "kim",
      "--role",
      "operator",
      "--json",
    ]);
    expect(code).to.equal(0);
    const { key, line } = JSON.parse(stdout) as { key: string; line: string };
    expect(line).not.to.include(key);
    expect(operatorOf(line, key)).to.deep.equal({
      kind: "operator",
      operator: { name: "kim", role: "operator", isShared: false },
    });
  });

  it("create makes another key each time, and shows it once to a person", async () => {
    const runs = await Promise.all(
      [1, 2].map(() => runHere(["keys", "create", "--name", "kim", "--role", "viewer"])),
    );
    const shown = runs.map(({ stdout }) => stdout.match(/coupon_op_[\w-]{43}/g));
    expect(shown.map((found) => found?.length)).to.deep.equal([1, 1]);
    expect(shown[0]).not.to.deep.equal(shown[1]);
  });

  it("hash makes the line for a key on standard input, and does not show the key", async () => {
    const key = "an-old-key-of-more-than-32-characters";
    const { code, stdout } = await runHere(
      ["keys", "hash", "--name", "lee", "--role", "admin", "--json"],
      given(`${key}\n`),
    );
    expect(code).to.equal(0);
    expect(stdout).not.to.include(key);
    const { line } = JSON.parse(stdout) as { line: string };
    expect(operatorOf(line, key)).to.have.nested.property("operator.name", "lee");
  });

  it("certificate makes a key that the service signs with, in a file of its user alone, and never over one", async () => {
    const dir = temporaryDir();
    const path = join(dir.path, "key.pem");
    try {
      const { code, stdout } = await runHere(["keys", "certificate", "--out", path, "--json"]);
      expect(code).to.equal(0);
      const pem = readFileSync(path, "utf8");
      expect(stdout).not.to.include("PRIVATE");
      const { CERTIFICATE_KEY = "" } = readConfig({
        ...STORES,
        CERTIFICATE_KEY: pem.replaceAll("\n", "\\n"),
      });
      expect(CERTIFICATE_KEY).to.equal(pem);
      expect(JSON.parse(stdout)).to.deep.equal({ file: path, publicKey: readSigningKey(pem).publicKey });
      expect(statSync(path).mode & 0o077).to.equal(0);
      const again = await runHere(["keys", "certificate", "--out", path]);
      expect(again.code).to.equal(2);
      expect(again.stderr).to.match(
        /--out: .*EEXIST; there is a file of that name, and it is never written over/,
      );
      expect(readFileSync(path, "utf8")).to.equal(pem);
    } finally {
      dir.remove();
    }
  });

  it("refuses a key that could be guessed from its hash, a reserved name and an unknown role", async () => {
    const wrong = [
      { args: ["hash", "--name", "kim", "--role", "admin"], stdin: "hunter2\n", says: /32 to 4096/ },
      { args: ["hash", "--name", "kim", "--role", "admin"], stdin: "한".repeat(40), says: /ASCII/ },
      { args: ["create", "--name", "scheduler", "--role", "admin"], stdin: "", says: /--name: "scheduler"/ },
      { args: ["create", "--name", "kim lee", "--role", "admin"], stdin: "", says: /--name/ },
      { args: ["create", "--name", "kim", "--role", "root"], stdin: "", says: /--role: "root"/ },
      { args: ["create", "--role", "admin"], stdin: "", says: /--name is missing/ },
      {
        args: ["delete", "--name", "kim", "--role", "admin"],
        stdin: "",
        says: /create, hash or certificate/,
      },
    ];
    for (const { args, stdin, says } of wrong) {
      const { code, stdout, stderr } = await runHere(["keys", ...args], given(stdin));
      expect([code, stdout], args.join(" ")).to.deep.equal([2, ""]);
      expect(stderr).to.match(says).and.not.to.include("hunter2");
    }
  });
});
