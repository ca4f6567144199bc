import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Files of a certificate authority that only these tests trust, and of a server on this machine with a
 * certificate of that authority.
 */
export type Certificates = { readonly caFile: string; readonly certFile: string; readonly keyFile: string };

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes them in `dir` with openssl, valid for a day, for 127.0.0.1 and localhost. */
export function makeCertificates(dir: string): Certificates {
  const file = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  writeFileSync(file("extensions"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const ca = ["-keyout", file("ca.key"), "-out", file("ca.crt")];
  openssl("req", "-x509", ...NEW_KEY, ...ca, "-days", "1", "-subj", "/CN=test authority");
  const request = ["-keyout", file("server.key"), "-out", file("server.csr")];
  openssl("req", ...NEW_KEY, ...request, "-subj", "/CN=localhost");
  openssl(
    ...["x509", "-req", "-in", file("server.csr"), "-out", file("server.crt"), "-days", "1"],
    ...["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial", "-extfile", file("extensions")],
  );
  return { caFile: file("ca.crt"), certFile: file("server.crt"), keyFile: file("server.key") };
}
