import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { proofFile } from "../proof-file.ts";
import { fileSink, outputSink } from "../sink.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const { campaignId } = input;
    const [userId = "", requestId = "", code = ""] = ["--user", "--request", "--code"].map((flag) =>
      input.text(flag),
    );
    // A user and a request id may go together: the service wants both where a user may have several.
    if (code !== "" && (userId !== "" || requestId !== ""))
      throw new UserError("give one of --user, --request and --code", { hint: "a token names its user" });
    const answer = await call(session, (options) =>
      session.coupons.getIssuanceProof({ campaignId, userId, requestId, code }, options),
    );
    const lines = proofFile(campaignId, answer);
    if (lines === undefined)
      throw new UserError(
        answer.proof === undefined
          ? "the campaign has no commitment: it was created by an earlier version"
          : "the service has no key to sign a commitment with",
        { hint: "coupon find shows the coupon" },
      );
    const path = input.text("--out");
    const toFile = path !== undefined && path !== "-";
    const sink = toFile ? await fileSink(path) : outputSink(output);
    await sink.write(`${lines.join("\n")}\n`);
    await sink.finish();
    const rank = answer.proof?.rank ?? 0;
    output.note(
      rank === 0
        ? "no certificate yet: the proof shows the commitment alone"
        : `rank ${rank} in the certificate`,
    );
  },
};
