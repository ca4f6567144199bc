import { toJson } from "@bufbuild/protobuf";
import { GetCampaignCommitmentResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Commitment } from "../../proto/gen/coupon/v1/proof_pb.ts";
import { grouped } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { statementLines } from "../proof-file.ts";
import { epochMsOf, factLines, instantText, printable } from "../render.ts";
import { fileSink } from "../sink.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const answer = await call(session, (options) =>
      session.coupons.getCampaignCommitment({ campaignId }, options),
    );
    const path = input.text("--out");
    if (path !== undefined) {
      const newest = answer.signed.at(-1);
      if (newest === undefined)
        throw new UserError(
          answer.commitments.length === 0
            ? "there is no commitment"
            : "the service has no key to sign it with",
          { hint: "coupon commitment without --out shows what there is" },
        );
      const sink = await fileSink(path);
      await sink.write(`${statementLines(newest).join("\n")}\n`);
      await sink.finish();
      output.note(`saved in ${path}`);
    }
    if (output.json) {
      await output.write(
        `${JSON.stringify(toJson(GetCampaignCommitmentResponseSchema, answer, jsonOptions))}\n`,
      );
      return;
    }
    for (const commitment of answer.commitments)
      await output.write(factLines(factsOf(commitment, settings.zone)));
    if (answer.commitments.length === 0)
      output.note("none yet, or the campaign was created by an earlier version");
    else if (answer.publicKey === "") output.note("not signed: the service has no CERTIFICATE_KEY");
    else await output.write(factLines([["public key", printable(answer.publicKey)]]));
  },
};

function factsOf(commitment: Commitment, zone: string): [string, string][] {
  const { number, first, size, root } = commitment;
  const madeMs = epochMsOf(commitment.madeAt);
  return [
    ["commitment", String(number)],
    ["codes", `${grouped(first)} to ${grouped(first + size - 1)}`],
    ["root", Buffer.from(root).toString("base64url")],
    ["made", madeMs === undefined ? "unknown" : instantText(madeMs, zone)],
  ];
}
