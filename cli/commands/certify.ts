import type { CertifyCampaignResponse } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import { type Bar, barOf, fittedLine, openBar } from "../bar.ts";
import type { Action, Input } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { statementLines } from "../proof-file.ts";
import type { Session } from "../session.ts";
import { fileSink, outputSink, type Sink } from "../sink.ts";
import { resumedStream } from "../stream.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const path = input.text("--out");
    const toFile = path !== undefined && path !== "-";
    const copy = copier(session, toFile ? path : undefined);
    try {
      for await (const message of messagesOf(session, input)) await copy.take(message);
      const { issued, lines } = await copy.finish();
      if (toFile && output.json) await output.write(`${JSON.stringify({ file: path, issued, lines })}\n`);
      else output.note(`${counted(issued, "issuance")} certified${toFile ? ` in ${path}` : ""}`);
    } catch (error) {
      await copy.abandon();
      throw error;
    }
  },
};

function messagesOf(session: Session, { campaignId }: Input): AsyncIterable<CertifyCampaignResponse> {
  return resumedStream(session, {
    open: (options) => session.campaigns.certifyCampaign({ campaignId }, options),
    properEnd: "finished",
    isProgress: ({ lines }, place) => lines !== "" || place > 0,
    maxSilenceMs: session.settings.timeoutMs,
    note: (text) => session.output.note(text),
  });
}

/** Writes the file of a stream; one that broke and was opened again begins the file anew. */
function copier(session: Session, path: string | undefined) {
  const { output } = session;
  let sink: Sink | undefined;
  let bar: Bar | undefined;
  let counts = { issued: 0, lines: 0, expected: 0 };

  async function begin(statement: readonly string[], issued: number): Promise<void> {
    if (sink !== undefined && path === undefined)
      throw new UserError("the stream broke, and a part of the certificate is out already", {
        hint: "ask again with --out, which writes a file anew",
      });
    await sink?.abandon();
    sink = path === undefined ? outputSink(output) : await fileSink(path);
    counts = { issued, lines: 0, expected: 0 };
    await sink.write(`${statement.join("\n")}\n`);
  }

  function closeBar(): void {
    bar?.close();
    bar = undefined;
  }

  return {
    async take({ certified, linesTotal, statement, lines }: CertifyCampaignResponse): Promise<void> {
      if (statement !== undefined) await begin(statementLines(statement), certified);
      else if (linesTotal === 0) counts = { ...counts, issued: certified };
      if (lines !== "") {
        await sink?.write(lines);
        counts = {
          ...counts,
          lines: counts.lines + lines.split("\n").length - 1,
          expected: linesTotal,
        };
      }
      if (path !== undefined && output.interactive && bar === undefined)
        bar = openBar(output, (columns) =>
          fittedLine(columns, (cells) =>
            counts.lines === 0
              ? `certifying: ${counted(counts.issued, "issuance")}`
              : `${barOf(counts.lines, counts.expected, cells)}${grouped(counts.lines)} of ${counted(counts.expected, "line")}`,
          ),
        );
    },
    async finish() {
      closeBar();
      const { issued, lines, expected } = counts;
      if (sink === undefined || lines !== expected)
        throw new UserError(`${counted(lines, "line")} came, and the certificate has ${grouped(expected)}`, {
          hint: "ask again; if it stays so, the service is at fault",
          exitCode: exitCodes.unexpected,
        });
      await sink.finish();
      sink = undefined;
      return { issued, lines: lines + 2 };
    },
    async abandon(): Promise<void> {
      closeBar();
      await sink?.abandon();
    },
  };
}
