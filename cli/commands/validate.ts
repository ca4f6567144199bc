import { enumName } from "../../proto/enum-name.ts";
import { RefusalReasonSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
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
      throw new UserError(`the code cannot be redeemed: ${reason}`, {
        exitCode: exitCodes.refused,
        hint: "docs/redemption.md says what each reason means",
      });
  },
};
