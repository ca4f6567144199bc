import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The files of a certificate, in PEM. */
export type CertificateFiles = { readonly certFile: string; readonly keyFile: string };

/**
 * Files of a certificate authority that only these tests trust, and of a server on this machine with a
 * certificate of that authority.
 */
export type Certificates = CertificateFiles & { readonly caFile: string };

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });

/** Makes them in `dir` with openssl, valid for a day, for 127.0.0.1 and localhost. */
export function makeCertificates(dir: string): Certificates {
  const file = (name: string) => join(dir, name);
  writeFileSync(file("extensions"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const ca = ["-keyout", file("ca.key"), "-out", file("ca.crt")];
  openssl("req", "-x509", ...NEW_KEY, ...ca, "-days", "1", "-subj", "/CN=test authority");
  return { caFile: file("ca.crt"), ...signCertificate(dir, "server") };
}

/** Makes one more certificate of the authority in `dir`, for the same hosts, with a key of its own. */
export function signCertificate(dir: string, name: string): CertificateFiles {
  const file = (end: string) => join(dir, `${name}.${end}`);
  const request = ["-keyout", file("key"), "-out", file("csr")];
  openssl("req", ...NEW_KEY, ...request, "-subj", `/CN=${name === "server" ? "localhost" : name}`);
  const authority = ["-CA", join(dir, "ca.crt"), "-CAkey", join(dir, "ca.key"), "-CAcreateserial"];
  openssl(
    ...["x509", "-req", "-in", file("csr"), "-out", file("crt"), "-days", "1"],
    ...[...authority, "-extfile", join(dir, "extensions")],
  );
  return { certFile: file("crt"), keyFile: file("key") };
}
