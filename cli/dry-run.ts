/**
 * Says exactly what a verb would send, and sends nothing. A verb that changes things lists `dryRunOption` among its options and,
 * when its request is complete and before it confirms or calls, says:
 *
 *     const request = { campaignId, startsAt: timestampFromMs(start.epochMs) };
 *     if (await dryRun(session, input, { method: CampaignService.method.rescheduleCampaign, request })) return;
 *     await confirm(session, input, …);
 *     await call(session, (options) => session.campaigns.rescheduleCampaign(request, options), …);
 *
 * The same `request` object must go to both, so that the dry run cannot tell something else than what is sent. Reading is
 * allowed before it (the server's clock for "+10m", the campaign for its name); instants are shown in full, in the operator's zone
 * and in UTC. With --json it is one object {dryRun, url, method, request}, whose request is the very body of the call.
 */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Input, OptionSpec } from "./command.ts";
import { jsonOptions } from "./json.ts";
import { factLines, instantText, printable } from "./render.ts";
import type { Session } from "./session.ts";

export const dryRunOption: OptionSpec = {
  flags: "--dry-run",
  about: "say exactly what would be sent, and send nothing",
};

export interface PlannedCall<I extends DescMessage> {
  readonly method: DescMethodUnary<I, DescMessage>;
  readonly request: MessageInitShape<I>;
  /** The zone that the operator named in an instant, where they named one. */
  readonly namedZone?: string | undefined;
}

/** True: it was a dry run, all is said, the verb is done. */
export async function dryRun<I extends DescMessage>(
  session: Session,
  input: Input,
  { method, request, namedZone }: PlannedCall<I>,
): Promise<boolean> {
  if (input.flag("--dry-run") !== true) return false;
  const { output, settings } = session;
  const body = Object(toJson(method.input, create(method.input, request), jsonOptions));
  const name = `${method.parent.typeName}/${method.name}`;
  if (output.json) {
    await output.write(
      `${JSON.stringify({ dryRun: true, url: settings.url, method: name, request: body })}\n`,
    );
    return true;
  }
  const facts = method.input.fields.map(({ jsonName, message }): [label: string, value: string] => {
    const isInstant = message?.typeName === TimestampSchema.typeName;
    const value = body[jsonName];
    if (!isInstant || value === undefined) return [jsonName, valueText(value)];
    return [jsonName, instantText(Date.parse(String(value)), settings.zone, namedZone)];
  });
  const title = output.style("bold", `would send ${name} to ${settings.url}`);
  await output.write(`${title}\n${factLines(facts)}`);
  output.note("dry run: nothing was sent, and the service has not checked it");
  return true;
}

function valueText(value: unknown): string {
  if (value === undefined || value === "") return "(none)";
  return printable(typeof value === "object" ? JSON.stringify(value) : String(value));
}
