import { ConnectError } from "@connectrpc/connect";
import { ReceiptSchema } from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import { statementLines } from "./proof-file.ts";
import { printable } from "./render.ts";
import type { Session } from "./session.ts";
import { fileSink } from "./sink.ts";
import { UncertainCall, UserError } from "./user-error.ts";

/** Writes the receipt of a refusal, if it came with one. Throws nothing: the refusal is to be told anyway. */
export async function keepReceipt({ output }: Session, error: unknown, path: string): Promise<void> {
  const cause = error instanceof UncertainCall ? error.cause : error;
  const [receipt] = cause instanceof ConnectError ? cause.findDetails(ReceiptSchema) : [];
  if (receipt?.statement === undefined) {
    output.note(
      "there is no receipt: the service has no CERTIFICATE_KEY, makes none of this refusal, or too many now",
    );
    return;
  }
  try {
    const sink = await fileSink(path, "--receipt");
    await sink.write(`${statementLines(receipt.statement).join("\n")}\n`);
    await sink.finish();
    output.note(`the receipt is in ${printable(path)}`);
  } catch (trouble) {
    if (!(trouble instanceof UserError)) throw trouble;
    output.note(`no receipt was written: ${trouble.message}`);
  }
}
