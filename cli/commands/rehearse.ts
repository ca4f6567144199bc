import { randomUUID } from "node:crypto";
import { lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { enumName } from "../../proto/enum-name.ts";
import type { Campaign } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignService,
  CampaignView,
  PreflightColourSchema,
  PreflightLineSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { VerifyCheckSchema } from "../../proto/gen/coupon/v1/verify_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import { crowdCredentials } from "../claim-credentials.ts";
import type { Action } from "../command.ts";
import { dryRun } from "../dry-run.ts";
import { exitCodes } from "../exit-code.ts";
import { jsonOptions } from "../json.ts";
import { launchRehearsal } from "../rehearsal.ts";
import { pressesOf, type RehearsalPlan, readPlan } from "../rehearsal-plan.ts";
import {
  exitCodeFor,
  type RehearsalFacts,
  reasonsAgainst,
  remarksOn,
  reportText,
} from "../rehearsal-report.ts";
import { removeRehearsal, standingRehearsals } from "../remove-rehearsal.ts";
import { epochMsOf, instantText, printable } from "../render.ts";
import { serverNowMs } from "../server-clock.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";

/** Lifetime after the start and the presses: for the checks, or for an operator's look at a kept shadow. */
const lifetimeAfterMs = 600_000;
const keptLifetimeMs = 3_600_000;

export const action: Action = {
  async run(session, input) {
    if (input.flag("--clean") === true) return clean(session, input.optionalCampaignId);
    if (input.optionalCampaignId === undefined) {
      throw new UserError("which campaign? the id is missing", { hint: "coupon list shows the campaigns" });
    }
    const request = { campaignId: input.campaignId, view: CampaignView.BASIC };
    const { campaign } = await call(session, (options) => session.campaigns.getCampaign(request, options));
    if (campaign === undefined) throw new Error("the service answered without a campaign");
    const plan = readPlan(input, campaign);
    // A credential that is missing is reported before anything is created.
    const expiresAtMs = Date.now();
    crowdCredentials(session.settings.claim, campaign.claimAuth, { campaignId: campaign.id, expiresAtMs });
    const keeps = input.flag("--keep") === true;
    const wanted = {
      campaignId: campaign.id,
      total: plan.total,
      startsAt: timestampFromMs((await serverNowMs(session)) + plan.leadMs),
      lifetimeMs: BigInt(plan.leadMs + plan.pressingMs + (keeps ? keptLifetimeMs : lifetimeAfterMs)),
      actor: input.text("--actor") ?? session.settings.actor,
      requestId: randomUUID(),
    };
    const { createRehearsal: method } = CampaignService.method;
    const { users, ratePerSecond, seed } = plan;
    const pressing = { users, presses: pressesOf(users), pressesPerSecond: ratePerSecond, seed };
    if (await dryRun(session, input, { method, request: wanted, plan: pressing })) return;
    const records = await openRecords(input.text("--history"));
    try {
      const created = await call(session, (options) => session.campaigns.createRehearsal(wanted, options), {
        again: "trying again with the same request id",
        advice: "a rehearsal may have been created: coupon rehearse --clean removes it",
      });
      for (const notice of created.notices) session.output.note(printable(notice));
      if (created.campaign === undefined) throw new Error("the service answered without a campaign");
      await rehearseAs(session, created.campaign, plan, { recordsFile: records.file, keeps });
    } finally {
      await records.close();
    }
  },
};

interface How {
  readonly recordsFile: () => Promise<string>;
  readonly keeps: boolean;
}

/** Removes the shadow in every case, also after an error or an interruption by the operator. */
async function rehearseAs(session: Session, shadow: Campaign, plan: RehearsalPlan, how: How): Promise<void> {
  const { output, settings } = session;
  const starts = instantText(epochMsOf(shadow.startsAt) ?? 0, settings.zone);
  output.note(
    `${shadow.id} rehearses ${shadow.rehearsalOf}: ${counted(plan.total, "coupon")}, opens at ${starts}`,
  );
  let facts: RehearsalFacts | undefined;
  let removed = false;
  try {
    facts = await launchRehearsal(session, shadow, plan, how.recordsFile);
  } finally {
    removed = await leave(session, shadow, how.keeps && facts !== undefined);
  }
  const reasons = reasonsAgainst(facts);
  await output.write(
    output.json ? reportJson(facts, reasons, removed) : reportText(output, facts, reasons, settings.zone),
  );
  const exitCode = exitCodeFor(facts, reasons);
  if (exitCode !== exitCodes.ok) {
    throw new UserError(`the rehearsal was not good: ${reasons.join("; ")}`, {
      exitCode,
      hint: "coupon rehearse --keep leaves the shadow to be looked at",
    });
  }
  if (!removed && !how.keeps) throw notRemoved(shadow);
}

/** True: the shadow is removed. Never throws, because the result or error before it matters more. */
async function leave(session: Session, shadow: Campaign, keeps: boolean): Promise<boolean> {
  const { output } = session;
  if (keeps) {
    const expires = instantText(epochMsOf(shadow.expiresAt) ?? 0, session.settings.zone);
    output.note(`${shadow.id} is kept until ${expires}; coupon rehearse --clean removes it before`);
    return false;
  }
  try {
    output.note(`removing ${shadow.id}`);
    await removeRehearsal(session, shadow.id);
    output.note("removed: nothing of the rehearsal is left in either store");
    return true;
  } catch (error) {
    const why = error instanceof Error ? printable(error.message) : "";
    output.note(`${notRemoved(shadow).message} (${why}); ${notRemoved(shadow).hint}`);
    return false;
  }
}

function notRemoved(shadow: Campaign): UserError {
  return new UserError(`${shadow.id} could not be removed now`, {
    exitCode: exitCodes.unavailable,
    hint: "the service does it by itself when its time is over; coupon rehearse --clean does it now",
  });
}

async function clean(session: Session, of: string | undefined): Promise<void> {
  const { output } = session;
  const ids = await standingRehearsals(session, of);
  for (const id of ids) await removeRehearsal(session, id);
  if (output.json) return output.write(`${JSON.stringify({ removed: ids })}\n`);
  await output.write(
    ids.length === 0 ? "no rehearsals are left\n" : ids.map((id) => `removed ${id}\n`).join(""),
  );
}

interface Records {
  /**
   * The path of the file. Its folder is made at the first call, so that a command that is killed before
   * leaves no folder.
   */
  file(): Promise<string>;
  close(): Promise<void>;
}

/**
 * The file for the callers' records: the one that the operator named, or a temporary one that is removed with
 * the rehearsal. It holds codes of the shadow.
 */
async function openRecords(wanted: string | undefined): Promise<Records> {
  if (wanted !== undefined) {
    // A link that leads nowhere is something, too: the records must not be written through it.
    const exists = await lstat(wanted).then(
      () => true,
      () => false,
    );
    if (exists) throw new UserError(`--history: "${wanted}" exists`, { hint: "give a new file" });
    return { file: () => Promise.resolve(wanted), close: () => Promise.resolve() };
  }
  let folder: string | undefined;
  return {
    async file() {
      folder ??= await mkdtemp(join(tmpdir(), "coupon-rehearsal-"));
      return join(folder, "records.jsonl");
    },
    async close() {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function reportJson(facts: RehearsalFacts, reasons: readonly string[], removed: boolean): string {
  const { preflight, checks, notAudited, historyChecks, ...rest } = facts;
  const colour = enumName(PreflightColourSchema, preflight.colour);
  const shown = {
    ...{ good: reasons.length === 0, reasons, remarks: remarksOn(facts), removed },
    ...rest,
    preflight: {
      colour,
      lines: preflight.lines.map((line) => toJson(PreflightLineSchema, line, jsonOptions)),
    },
    stores: checks.map((check) => toJson(VerifyCheckSchema, check, jsonOptions)),
    ...(notAudited === undefined ? {} : { notAudited }),
    history: historyChecks.map((check) => toJson(VerifyCheckSchema, check, jsonOptions)),
  };
  return `${JSON.stringify(shown)}\n`;
}
