import { enumName } from "../../proto/enum-name.ts";
import { RefusalReason, RefusalReasonSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const request = { code: input.requiredText("--code"), userId: input.text("--user") ?? "" };
    const { valid, whyNot } = await call(session, (options) =>
      session.redemptions.validateCoupon(request, options),
    );
    const reason = enumName(RefusalReasonSchema, whyNot);
    const { output } = session;
    if (output.json) await output.write(`${JSON.stringify(valid ? { valid } : { valid, whyNot: reason })}\n`);
    else if (valid) await output.write("valid\n");
    if (!valid)
      throw new UserError(
        `the code cannot be redeemed: ${reason}: ${wordsFor[whyNot] ?? "this command does not know the reason"}`,
        {
          exitCode: exitCodes.refused,
          hint: "docs/redemption.md says what each reason means",
        },
      );
  },
};

/** What each reason means to whoever stands at the counter; a newer service may have more of them. */
const wordsFor: Partial<Record<RefusalReason, string>> = {
  [RefusalReason.NO_COUPON]:
    "it was never issued, or its campaign binds it to the user who claimed it, and --user is missing or another",
  [RefusalReason.VOIDED]: "an operator made it void",
  [RefusalReason.NOT_VALID_YET]: "its validity has not begun",
  [RefusalReason.VALIDITY_OVER]: "its validity is over",
  [RefusalReason.REDEEMED]: "it was redeemed as often as it may be",
  [RefusalReason.RESERVED]:
    "another key has reserved it: it is redeemed soon, or free again when that times out",
};
