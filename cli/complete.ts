import { answerLines, type Candidate, fitting, joinedWords } from "./completions.ts";
import { readConfigFile } from "./config-file.ts";
import { standardInput } from "./operator-token.ts";
import type { LocalSession } from "./session.ts";
import { isShell } from "./shell-scripts.ts";
import { commands, globalOptions } from "./vocabulary.ts";

/**
 * The output of `coupon __complete SHELL WORD…`: one candidate a line for the word under the cursor, which is
 * the last one.
 */
export async function complete(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  openSession: (globals: object) => Promise<LocalSession>,
): Promise<string> {
  const [shell, ...given] = args;
  if (!isShell(shell)) return "";
  const words = shell === "bash" ? joinedWords(given) : given;
  const current = words.at(-1) ?? "";
  const profiles = [...(await readConfigFile(env)).profiles.keys()];
  const fits = fitting(words, { commands, globalOptions, profiles });
  const lines =
    fits.kind === "campaigns"
      ? answerLines(
          { kind: "candidates", candidates: await campaignIds(words, openSession) },
          current.toUpperCase(),
          shell,
        )
      : answerLines(fits, current, shell);
  return lines.map((line) => `${line}\n`).join("");
}

async function campaignIds(
  words: readonly string[],
  openSession: (globals: object) => Promise<LocalSession>,
): Promise<Candidate[]> {
  // The flags before the cursor may name the service.
  const globals = globalsIn(words);
  const session = await openSession({ ...globals, timeout: "1000", retries: "0" });
  const { campaignCandidates } = await import("./campaign-candidates.ts");
  return campaignCandidates(session);
}

function globalsIn(words: readonly string[]): Record<string, string> {
  const globals: Record<string, string> = {};
  const options = { url: "url", token: "token", "token-file": "tokenFile", profile: "profile" };
  for (const [name, option] of Object.entries(options)) {
    for (const [at, word] of words.entries()) {
      const next = words[at + 1];
      if (word === `--${name}` && next !== undefined) globals[option] = next;
      if (word.startsWith(`--${name}=`)) globals[option] = word.slice(name.length + 3);
    }
  }
  // Standard input is that of the shell.
  if (globals["tokenFile"] === standardInput) delete globals["tokenFile"];
  return globals;
}
