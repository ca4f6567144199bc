/**
 * `--dry-run=client`: shows exactly what a verb would send, and sends nothing. A verb that changes a campaign
 * lists `dryRunOption` among its options and, when its request is complete and before it confirms or calls,
 * calls:
 *
 *     const request = { campaignId, startsAt: timestampFromMs(start.epochMs) };
 *     const { rescheduleCampaign: method } = CampaignService.method;
 *     if (await dryRun(session, input, { method, request })) return;
 *     await confirm(session, input, …);
 *     await call(session, (options) => session.campaigns.rescheduleCampaign(request, options), …);
 *
 * The same `request` object must go to both, so that the dry run shows what would be sent. Reading is allowed
 * before it (the server's clock for "+10m", the campaign for its name); instants are shown in full, in the
 * operator's zone and in UTC. With --json the output is one object {dryRun, url, method, request}, whose
 * request is the body of the call, and the plan where the verb has one.
 */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Input } from "./command.ts";
import { dryRunMode } from "./dry-run-mode.ts";
import { jsonOptions } from "./json.ts";
import { countdown, factLines, instantText, printable } from "./render.ts";
import { serverNowMs } from "./server-clock.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

export interface PlannedCall<I extends DescMessage> {
  readonly method: DescMethodUnary<I, DescMessage>;
  readonly request: MessageInitShape<I>;
  /** The zone that the operator named in an instant, where they named one. */
  readonly namedZone?: string | undefined;
  /** The words for a field that is not given or 0, as in { endsAt: "(unchanged)" }; otherwise "(none)". */
  readonly absent?: Readonly<Record<string, string>>;
  /** The server's clock, for the time left until the start; undefined: that is not shown. */
  readonly serverMs?: number | undefined;
  /** Numbers of what the verb would do besides this call; with --json an object of its own. */
  readonly plan?: Readonly<Record<string, number>>;
}

/** True: it was a dry run of the client; it is printed, and the verb has nothing more to do. */
export async function dryRun<I extends DescMessage>(
  session: Session,
  input: Input,
  { method, request, namedZone, absent = {}, serverMs, plan = {} }: PlannedCall<I>,
): Promise<boolean> {
  const mode = dryRunMode(input);
  if (mode === undefined) return false;
  if (mode === "server") {
    // The request itself asks for the check; without that field the service would make the change.
    if ("dryRun" in request && request["dryRun"] === true) return false;
    throw new UserError("--dry-run=server: the service has no check for this verb", {
      hint: "--dry-run=client shows what would be sent",
    });
  }
  const { output, settings } = session;
  const body = Object(toJson(method.input, create(method.input, request), jsonOptions));
  const name = `${method.parent.typeName}/${method.name}`;
  if (output.json) {
    const planned = Object.keys(plan).length === 0 ? {} : { plan };
    const shown = { dryRun: true, url: settings.url, method: name, request: body, ...planned };
    await output.write(`${JSON.stringify(shown)}\n`);
    return true;
  }
  const told = method.input.fields.filter(
    ({ jsonName }) => !(changesNothing.includes(jsonName) && body[jsonName] === false),
  );
  const facts = told.map(({ jsonName, message }): [label: string, value: string] => {
    const isInstant = message?.typeName === TimestampSchema.typeName;
    const value = body[jsonName];
    if (!isInstant || value === undefined) return [jsonName, valueText(value, absent[jsonName])];
    const epochMs = Date.parse(String(value));
    const away = jsonName === "startsAt" ? opensText(epochMs, serverMs) : "";
    return [jsonName, instantText(epochMs, settings.zone, namedZone) + away];
  });
  for (const [label, value] of Object.entries(plan)) facts.push([label, String(value)]);
  const title = output.style("bold", `would send ${name} to ${settings.url}`);
  await output.write(`${title}\n${factLines(facts)}`);
  output.note("dry run: nothing was sent, and the service has not checked it");
  return true;
}

/** The server's clock where it answers at the first try: a dry run works without it, too. */
export async function clockForDryRun(
  session: Session,
  knownMs: number | undefined,
): Promise<number | undefined> {
  if (knownMs !== undefined) return knownMs;
  const once = { ...session, settings: { ...session.settings, retries: 0 } };
  return serverNowMs(once).catch(() => undefined);
}

/** Shown only where they are true: "noEnd false" would look like a change of the end. */
const changesNothing: readonly string[] = ["noEnd", "keepUsers", "dryRun"];

function opensText(startMs: number, serverMs: number | undefined): string {
  if (serverMs === undefined) return "";
  return startMs > serverMs ? `, in ${countdown(startMs - serverMs)}` : ", which has come: opens at once";
}

function valueText(value: unknown, absent: string | undefined): string {
  if (value === undefined || value === "") return absent ?? "(none)";
  if (value === 0 && absent !== undefined) return absent;
  return printable(typeof value === "object" ? JSON.stringify(value) : String(value));
}
