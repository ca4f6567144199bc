import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { withSecretFiles } from "../../runtime/secret-files.ts";
import { UserError } from "../../runtime/user-error.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const SECRET = "hunter2-hunter2-hunter2";

describe("secrets in files", () => {
  const dir = temporaryDir();
  after(() => dir.remove());
  const fileOf = (name: string, content: string) => {
    const path = join(dir.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };

  for (const name of [
    "REDIS_URL",
    "MONGODB_URL",
    "OPERATOR_TOKEN",
    "CLAIM_TOKEN_SECRET",
    "CLAIM_KEYS",
    "CLAIM_HOOK_SECRET",
    "CERTIFICATE_KEY",
    "SENTRY_DSN",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  ]) {
    it(`${name}_FILE gives ${name}`, () => {
      const env = { OTHER: "stays", [`${name}_FILE`]: `${fileOf(name, `${SECRET}\n`)}\n` };
      expect(withSecretFiles(env)).to.deep.equal({ OTHER: "stays", [name]: `${SECRET}\n` });
      expect(env, "the environment itself").to.have.property(`${name}_FILE`);
    });
  }

  it("leaves an environment without them as it is", () => {
    const env = { OPERATOR_TOKEN: SECRET, HOST: "h", PORT_FILE: "/x", COUPON_TOKEN_FILE: "/y" };
    expect(withSecretFiles(env)).to.deep.equal(env);
  });

  it("an empty NAME_FILE is none", () => {
    expect(withSecretFiles({ OPERATOR_TOKEN: SECRET, OPERATOR_TOKEN_FILE: "" })).to.deep.equal({
      OPERATOR_TOKEN: SECRET,
    });
  });

  it("names every wrong one and repeats neither a value nor a path", () => {
    mkdirSync(join(dir.path, "folder"));
    const env = {
      REDIS_URL: SECRET,
      REDIS_URL_FILE: fileOf("both", SECRET),
      MONGODB_URL_FILE: SECRET,
      OPERATOR_TOKEN_FILE: fileOf("empty", "\n"),
      CLAIM_KEYS_FILE: join(dir.path, "folder"),
      CLAIM_TOKEN_SECRET_FILE: fileOf("long", "x".repeat(70_000)),
    };
    expect(() => withSecretFiles(env)).to.throw(
      UserError,
      "configuration: REDIS_URL and REDIS_URL_FILE are both set: set one of them; MONGODB_URL_FILE: the file that it names cannot be read (ENOENT); OPERATOR_TOKEN_FILE: the file that it names is empty; CLAIM_TOKEN_SECRET_FILE: the file that it names has more than 65536 bytes; CLAIM_KEYS_FILE: the file that it names is a folder, not a regular file",
    );
  });
});
