import { tokenMaker } from "../claim-credentials.ts";
import type { Action } from "../command.ts";
import { parseInstant } from "../instant.ts";
import type { LocalSession } from "../session.ts";
import { UserError } from "../user-error.ts";

const DEFAULT = "+1h";

export const action: Action<LocalSession> = {
  async run({ output, settings }, input) {
    if (input.argument !== "issue") {
      throw new UserError(`"${input.argument}" is nothing that is done with tokens`, { hint: "give issue" });
    }
    const user = input.requiredText("--user");
    const claim = settings.claim;
    const makeToken = tokenMaker({
      ...claim,
      secretFile: input.text("--secret-file") ?? claim.secretFile,
      audience: input.text("--audience") ?? claim.audience,
    });
    const nowMs = Date.now();
    const expires = input.text("--expires") ?? DEFAULT;
    const { epochMs: expiresAtMs } = parseInstant(expires, nowMs, "--expires");
    const token = makeToken(user, { campaignId: input.text("--campaign"), expiresAtMs });
    await output.writeData(output.json ? `${JSON.stringify({ token })}\n` : `${token}\n`);
  },
};
