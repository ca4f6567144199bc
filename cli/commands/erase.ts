import type { ErasedCampaign, ErasureProgress } from "../../proto/gen/coupon/v1/erasure_pb.ts";
import { ErasurePhase } from "../../proto/gen/coupon/v1/erasure_pb.ts";
import { counted, grouped } from "../../runtime/counting.ts";
import { actorOf } from "../change.ts";
import type { Action } from "../command.ts";
import { confirm } from "../confirm.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { exitCodes } from "../exit-code.ts";
import { printable } from "../render.ts";
import type { Session } from "../session.ts";
import { resumedStream } from "../stream.ts";
import { UserError } from "../user-error.ts";
import { userIdsOf } from "../user-ids.ts";

/** A request of the service may have 16 KiB; an id has some bytes around it. */
const bytesPerCall = 12_000;
const usersPerCall = 1_000;
/** Each call waits until every server knows of it: they wait together. */
const callsAtOnce = 8;

type Request = {
  readonly userIds: string[];
  readonly campaignId: string;
  readonly dryRun: boolean;
  readonly actor: string;
};
/** The sums over all calls, by campaign. */
type Sums = { name: string; found: number; erased: number; pending: number };

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const ids = await userIdsOf(session, input);
    const campaignId = input.optionalCampaignId ?? "";
    const where = campaignId === "" ? "all campaigns" : `campaign ${campaignId}`;
    const mode = dryRunMode(input);
    if (mode === "client") {
      const told = `would erase ${counted(ids.length, "user")} in ${where}; nothing was sent\n`;
      const users = ids.length;
      return output.write(output.json ? `${JSON.stringify({ dryRun: mode, users, campaignId })}\n` : told);
    }
    const dryRun = mode === "server";
    if (!dryRun)
      await confirm(session, input, {
        what: `erase ${counted(ids.length, "user")} in ${where}: their ids cannot be brought back`,
        typed: "erase",
      });
    const sums = new Map<string, Sums>();
    const calls = callsOf(ids);
    const actor = actorOf(session, input);
    let [next, users] = [0, 0];
    const work = async (): Promise<void> => {
      for (let userIds = calls[next++]; userIds !== undefined; userIds = calls[next++]) {
        const done = await eraseSome(session, { userIds, campaignId, dryRun, actor });
        for (const one of done) add(sums, one);
        users += userIds.length;
        if (calls.length > 1) output.note(`${grouped(users)} of ${counted(ids.length, "user")}`);
      }
    };
    await Promise.all(Array.from({ length: callsAtOnce }, work));
    await show(session, sums, ids.length, dryRun);
    const pending = [...sums.values()].reduce((total, one) => total + one.pending, 0);
    if (pending > 0 && !dryRun)
      throw new UserError(`${counted(pending, "claim")} of these users were still under way`, {
        hint: "give the same command again",
        exitCode: exitCodes.unavailable,
      });
  },
};

/** The users of each call. */
function callsOf(ids: readonly string[]): string[][] {
  const calls: string[][] = [];
  let bytes = 0;
  for (const id of ids) {
    bytes += Buffer.byteLength(id) + 4;
    const last = calls.at(-1);
    if (last !== undefined && bytes <= bytesPerCall && last.length < usersPerCall) last.push(id);
    else {
      calls.push([id]);
      bytes = Buffer.byteLength(id) + 4;
    }
  }
  return calls;
}

/** One call; where its stream breaks, the same call again: what was erased is found done. */
async function eraseSome(session: Session, request: Request): Promise<readonly ErasedCampaign[]> {
  const { campaigns, output, settings } = session;
  let said: ErasurePhase | undefined;
  const say = ({ phase, found }: ErasureProgress): void => {
    if (phase === said) return;
    said = phase;
    if (phase === ErasurePhase.WAITING)
      output.note(`${counted(found, "coupon")} found; waiting until every server knows of the erasure`);
  };
  const stream = resumedStream(session, {
    open: (options) => campaigns.eraseUsers(request, options),
    properEnd: "interrupted",
    maxSilenceMs: settings.timeoutMs,
    isProgress: () => false,
    note: output.note,
  });
  for await (const { message } of stream) {
    if (message.case === "report") return message.value.campaigns;
    if (message.case === "progress") say(message.value);
  }
  throw new Error("a stream that is resumed has ended");
}

function add(
  sums: Map<string, Sums>,
  { campaignId, campaignName, found, erased, pending }: ErasedCampaign,
): void {
  const sum = sums.get(campaignId) ?? { name: campaignName, found: 0, erased: 0, pending: 0 };
  sum.found += found;
  sum.erased += erased;
  sum.pending += pending;
  sums.set(campaignId, sum);
}

async function show(
  { output }: Session,
  sums: ReadonlyMap<string, Sums>,
  users: number,
  dryRun: boolean,
): Promise<void> {
  const campaigns = [...sums].map(([campaignId, sum]) => ({ campaignId, ...sum }));
  if (output.json) return output.write(`${JSON.stringify({ users, dryRun, campaigns })}\n`);
  if (campaigns.length === 0)
    return output.write(
      `${counted(users, "user")}: nothing to erase: no coupon has one of these ids, or none has it any more\n`,
    );
  for (const { campaignId, name, found, erased } of campaigns)
    await output.write(
      dryRun
        ? `${campaignId}  ${printable(name)}: ${counted(found, "coupon")} would be erased\n`
        : `${campaignId}  ${printable(name)}: ${grouped(erased)} of ${counted(found, "coupon")} erased\n`,
    );
}
