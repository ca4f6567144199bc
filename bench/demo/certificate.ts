import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { statementLines } from "../../cli/proof-file.ts";
import { certificateText, verify } from "../certificate-file.ts";
import type { Clients } from "../load/connect-client.ts";

/** What anyone can check of the launch: see docs/proof.md. */
export type Proof = {
  /** Asks for the commitment to the codes, before the start, and keeps it as a stranger would. */
  save(campaignId: string): Promise<void>;
  /**
   * Asks for the certificate, and has the program in `verifier/`, which knows nothing of the product, check
   * it against the saved commitment and the operator's public key. Resolves with a line for the reader, and
   * why the certificate is refused; undefined: it holds.
   */
  check(
    campaignId: string,
    issued: number,
  ): Promise<{ readonly line: string; readonly trouble: string | undefined }>;
};

export function createProof(clients: Clients, publicKey: string, dir: string): Proof {
  const commitmentFile = join(dir, "commitment.jsonl");
  const certificateFile = join(dir, "certificate.jsonl");

  return {
    async save(campaignId) {
      const { signed } = await clients.coupons.getCampaignCommitment({ campaignId });
      await writeFile(commitmentFile, `${signed.flatMap(statementLines).join("\n")}\n`);
    },

    async check(campaignId, issued) {
      await writeFile(certificateFile, certificateText(clients, campaignId));
      const { size } = await stat(certificateFile);
      const saved = ["--public-key", publicKey, "--commitment", commitmentFile];
      const { ok, findings } = await verify(certificateFile, ...saved);
      const refused = findings.find(({ level }) => level === "refused");
      return {
        line: `A certificate of ${issued.toLocaleString("en")} issuances (${Math.ceil(size / 1_000).toLocaleString("en")} kB), checked by a program that knows nothing of the service: ${ok ? "it holds" : "REFUSED"}`,
        trouble: ok ? undefined : `the certificate is refused: ${refused?.text ?? "without a reason"}`,
      };
    },
  };
}
