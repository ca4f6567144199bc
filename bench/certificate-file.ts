import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { statementLines } from "../cli/proof-file.ts";
import { repositoryDir } from "../local/repository.ts";
import type { Clients } from "./load/connect-client.ts";

const VERIFIER = join(repositoryDir, "verifier", "verify-certificate.mjs");
const run = promisify(execFile);

/** What the program in `verifier/`, which knows nothing of the product, says of a file. */
export type Verdict = {
  readonly ok: boolean;
  readonly findings: readonly { readonly level: string; readonly text: string }[];
};

/** The text of a certificate's file, piece by piece, as the service streams it. */
export async function* certificateText(
  { campaigns }: Pick<Clients, "campaigns">,
  campaignId: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const options = signal === undefined ? {} : { signal };
  for await (const { statement, lines } of campaigns.certifyCampaign({ campaignId }, options)) {
    if (statement !== undefined) yield `${statementLines(statement).join("\n")}\n`;
    yield lines;
  }
}

/** The program ends with 1 where it refuses, and tells its verdict all the same. */
export async function verify(file: string, ...flags: readonly string[]): Promise<Verdict> {
  const args = [VERIFIER, file, "--json", ...flags];
  const { stdout } = await run(process.execPath, args).catch((error: { code?: unknown; stdout?: string }) => {
    if (error.code !== 1 || error.stdout === undefined) throw error;
    return { stdout: error.stdout };
  });
  return JSON.parse(stdout) as Verdict;
}
