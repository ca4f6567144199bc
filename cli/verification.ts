import type { VerifyProgress, VerifyReport } from "../proto/gen/coupon/v1/verify_pb.ts";
import { grouped } from "../runtime/counting.ts";
import { type Bar, barOf, fittedLine, openBar } from "./bar.ts";
import type { Session } from "./session.ts";
import { resumedStream } from "./stream.ts";

/** Lets the service audit a campaign, and shows the progress; starts again where the stream breaks. */
export async function verifyStores(
  session: Session,
  campaignId: string,
  offendersMax: number,
): Promise<VerifyReport> {
  const { campaigns, output, settings } = session;
  let bar: Bar | undefined;
  let latest: VerifyProgress | undefined;
  const closeBar = (): void => {
    bar?.close();
    bar = undefined;
  };
  const stream = resumedStream(session, {
    open: (options) => campaigns.verifyCampaign({ campaignId, offendersMax }, options),
    properEnd: "interrupted",
    maxSilenceMs: settings.timeoutMs,
    // An audit starts from the beginning each time, so no message counts as progress, and the number of tries
    // stays limited.
    isProgress: () => false,
    note(text) {
      closeBar();
      output.note(text);
    },
  });
  try {
    for await (const { message } of stream) {
      if (message.case === "report") return message.value;
      if (message.case !== "progress") continue;
      latest = message.value;
      if (output.interactive && bar === undefined)
        bar = openBar(output, (columns) => (latest === undefined ? "" : progressLine(latest, columns)));
    }
  } finally {
    closeBar();
  }
  throw new Error("a stream that is resumed has ended");
}

/** What the audit reads, and how far it is, in one line of so many columns. */
export function progressLine({ reading, what, done, of }: VerifyProgress, columns: number): string {
  const again = reading > 1 ? `reading ${reading}: ` : "";
  return fittedLine(
    columns,
    (cells) => `${again}${what.padEnd(9)} ${barOf(done, of, cells)}${grouped(done)}/${grouped(of)}`,
  );
}
