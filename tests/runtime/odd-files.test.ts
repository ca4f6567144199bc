import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { jwksSource } from "../../access/jwks-source.ts";
import { readClaimSettings, tokenMaker } from "../../cli/claim-credentials.ts";
import { readClientCertificate } from "../../cli/client-certificate.ts";
import { readConfigFile } from "../../cli/config-file.ts";
import { givenToken } from "../../cli/operator-token.ts";
import { withSecretFiles } from "../../runtime/secret-files.ts";
import { SECRET_SETTINGS, URL_SETTINGS } from "../../runtime/secret-settings.ts";
import { readSmallFile, readSmallFileSync } from "../../runtime/small-file.ts";
import { tlsSettings } from "../../runtime/tls-settings.ts";
import { readTlsMaterial } from "../../server/http/tls-credentials.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/** `read`: reads what the setting names. `isNamed` false: the log names the setting, not the error. */
type Row = readonly [setting: string, read: (path: string) => unknown, isNamed?: boolean];

describe("what a setting that names a file may lead to", () => {
  const dir = temporaryDir();
  const file = (name: string) => join(dir.path, name);
  const socket = createServer();
  let made: Certificates;

  before(async () => {
    made = makeCertificates(dir.path);
    execFileSync("mkfifo", [file("pipe")]);
    mkdirSync(file("folder"));
    symlinkSync(file("gone"), file("dangling"));
    symlinkSync(file("round"), file("round"));
    symlinkSync(file("pipe"), file("to-pipe"));
    // No byte of it is on the disk.
    writeFileSync(file("huge"), "");
    truncateSync(file("huge"), 2 ** 30);
    await new Promise<void>((resolve) => socket.listen(file("socket"), resolve));
  });
  after(async () => {
    await new Promise((resolve) => socket.close(resolve));
    dir.remove();
  });

  /** By what the name leads to: what the error says. */
  const kinds: readonly (readonly [kind: string, path: () => string, said: RegExp])[] = [
    ["a pipe into which nobody writes", () => file("pipe"), /is a pipe, not a regular file/],
    ["a link to a pipe", () => file("to-pipe"), /is a pipe, not a regular file/],
    ["a device without an end", () => "/dev/zero", /is a device, not a regular file/],
    ["a folder", () => file("folder"), /is a folder, not a regular file/],
    ["a socket", () => file("socket"), /is a socket, not a regular file/],
    ["a file of a gigabyte", () => file("huge"), /has more than \d+ bytes/],
    ["a link to nothing", () => file("dangling"), /cannot be read \(ENOENT\)/],
    ["a link to itself", () => file("round"), /cannot be read \(ELOOP\)/],
  ];

  const service: readonly string[] = [...URL_SETTINGS, ...SECRET_SETTINGS].filter(
    (name) => !name.startsWith("COUPON_"),
  );
  const tlsWith = (setting: string) => (path: string) => {
    const of = (name: string, usual: string) => (name === setting ? path : usual);
    return readTlsMaterial({
      cert: of("TLS_CERT_FILE", made.certFile),
      key: of("TLS_KEY_FILE", made.keyFile),
      clientCa: of("OPERATORS_CLIENT_CA_FILE", made.caFile),
    });
  };
  const rows: readonly Row[] = [
    ...service.map((name): Row => {
      const setting = `${name}_FILE`;
      return [setting, (path) => withSecretFiles({ [setting]: path })];
    }),
    ...Object.keys(tlsSettings).map((setting): Row => [setting, tlsWith(setting)]),
    ["CLAIM_TOKEN_JWKS", (path) => jwksSource(path)(), false],
    [
      "COUPON_CLIENT_CERT_FILE",
      (path) =>
        readClientCertificate({ COUPON_CLIENT_CERT_FILE: path, COUPON_CLIENT_KEY_FILE: made.keyFile }),
    ],
    [
      "COUPON_CLIENT_KEY_FILE",
      (path) =>
        readClientCertificate({ COUPON_CLIENT_CERT_FILE: made.certFile, COUPON_CLIENT_KEY_FILE: path }),
    ],
  ];
  for (const [setting, read, isNamed = true] of rows) {
    it(`${setting}: each is an error at once, and none is waited for`, async () => {
      for (const [kind, path, said] of kinds) {
        const trouble = await Promise.resolve()
          .then(() => read(path()))
          .catch((error: unknown) => error);
        expect(trouble, kind).to.be.instanceOf(Error);
        const { message } = trouble as Error;
        expect(message, kind).to.match(said);
        if (isNamed) expect(message, kind).to.include(setting);
        expect(message, kind).to.not.include(path());
      }
    });
  }

  it("COUPON_CONFIG: each is an error that names the file", async () => {
    for (const [kind, path, said] of kinds) {
      const trouble = await readConfigFile({ COUPON_CONFIG: path() }).catch((error: Error) => error.message);
      expect(trouble, kind).to.be.a("string").and.include(path());
      if (kind !== "a link to nothing") expect(trouble, kind).to.match(said);
    }
  });

  // The shell's <(pass show coupon) is a pipe, too, and has a writer.
  it("a command's token and secret may come from a pipe, but from none without a writer or an end", () => {
    const secret = (path: string) =>
      tokenMaker(readClaimSettings({ CLAIM_TOKEN_SECRET_FILE: path, CLAIM_TOKEN_AUDIENCE: "coupons" }));
    for (const [kind, path] of kinds) {
      expect(() => givenToken({}, { COUPON_TOKEN_FILE: path() }, undefined), kind).to.throw(
        /^COUPON_TOKEN_FILE: /,
      );
      expect(() => secret(path()), kind).to.throw(/secret/);
    }
  });

  it("a file as long as the limit is read as a whole, also one that tells no size, and a copy of it kept", async () => {
    writeFileSync(file("exact"), "x".repeat(1_000));
    symlinkSync(file("exact"), file("to-exact"));
    for (const read of [readSmallFile, readSmallFileSync]) {
      const bytes = await read(file("to-exact"), 1_000);
      expect(bytes.toString()).to.equal("x".repeat(1_000));
      const trouble = await Promise.resolve()
        .then(() => read(file("exact"), 999))
        .catch((error: Error) => error.message);
      expect(trouble).to.equal("has more than 999 bytes");
      if (process.platform !== "linux") continue;
      expect((await read("/proc/self/limits", 65_536)).toString()).to.include("Max open files");
      const endless = await Promise.resolve()
        .then(() => read("/proc/self/maps", 1_000))
        .catch((error: Error) => error.message);
      expect(endless, "longer than it tells").to.equal("has more than 1000 bytes");
    }
  });
});
