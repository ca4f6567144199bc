import { SEPARATOR } from "../../pool/claim-field.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Held } from "../../record/erasing.ts";
import type { ErasureDoc } from "../../record/erasures.ts";
import type { IssuePosition } from "../../record/issue-ranges.ts";
import { isPseudonym } from "../../record/pseudonym.ts";
import { eraseHeld } from "./erase-held.ts";
import { createEraseUsers, type EraseUsersDeps } from "./erase-users.ts";
import { ERASURE_LEASE_MS } from "./erasure-turns.ts";
import { forgetAttemptsBehind, type KnownByPseudonym } from "./forget-attempts.ts";
import { issuesNoMore } from "./pool-erasure.ts";
import { demandedPseudonyms } from "./pseudonyms.ts";

const PAGE = 1_000;

/**
 * Goes on with erasures whose process has not been heard of, and makes those of whole campaigns. It knows no
 * id: it reads all issuances of the campaign and recognises the users by their pseudonyms.
 */
export function createResumeErasure(deps: EraseUsersDeps & Pick<KnownByPseudonym, "attempts">) {
  const { campaigns, erasing, erasures, pseudonyms, owner } = deps;
  const { mark, heed, turnsOf, finish, poolErasure, eraseParts } = createEraseUsers(deps).parts;

  async function* pagesOf(campaignId: string): AsyncGenerator<readonly Held[]> {
    let place: IssuePosition | undefined;
    for (;;) {
      const page = await erasing.after(campaignId, place, PAGE);
      yield page.filter(({ claimKey }) => !isPseudonym(claimKey));
      place = page.at(-1);
      if (page.length < PAGE) return;
    }
  }

  async function eraseUsers(
    campaign: CampaignDoc,
    users: ReadonlySet<string>,
    job: ErasureDoc,
    signal: AbortSignal,
  ) {
    const turn = turnsOf([job._id], signal);
    const held: Held[] = [];
    for await (const page of pagesOf(campaign._id)) {
      held.push(...page.filter((one) => users.has(pseudonyms.of(campaign._id, userOf(one)))));
      await turn();
    }
    await heed([job._id], [campaign], signal);
    return eraseHeld(eraseParts, campaign, held, { actor: job.actor, pseudonyms, turn });
  }

  async function eraseEveryone(campaign: CampaignDoc, job: ErasureDoc, signal: AbortSignal): Promise<number> {
    const turn = turnsOf([job._id], signal);
    const count = await erasing.countHeld(campaign._id);
    if (count > 0) {
      await campaigns.recordErasure(campaign._id, job.actor, { count });
      await heed([job._id], [campaign], signal);
    }
    let erased = 0;
    for await (const page of pagesOf(campaign._id))
      erased += await eraseHeld(eraseParts, campaign, page, { actor: job.actor, pseudonyms, turn }, true);
    return erased;
  }

  /** @throws MissingErasureKey where the users were erased under another key */
  async function resume(job: ErasureDoc, signal: AbortSignal): Promise<void> {
    const campaign = await campaigns.find(job.campaignId);
    // Of a whole campaign only while it is over: it may have got more coupons since.
    if (campaign === null || (job.users === undefined && !issuesNoMore(campaign)))
      return erasures.done(job._id);
    demandedPseudonyms(campaign, pseudonyms);
    await mark(campaign);
    const erased =
      job.users === undefined
        ? await eraseEveryone(campaign, job, signal)
        : await eraseUsers(campaign, new Set(job.users), job, signal);
    await poolErasure.eraseStrays(campaign._id, turnsOf([job._id], signal));
    if (job.users === undefined) await campaigns.forgotUsers(campaign._id, campaign.total);
    const users = job.users && new Set(job.users);
    await forgetAttemptsBehind(deps, campaign._id, users, turnsOf([job._id], signal), signal);
    await finish(campaign._id, job._id, erased, job.actor);
  }

  return {
    resume,
    /** Takes over one erasure, if one is left alone, and ends it. False: there is none. */
    async resumeNext(signal: AbortSignal): Promise<boolean> {
      const job = await erasures.takeOver(owner, ERASURE_LEASE_MS);
      if (job === null) return false;
      await resume(job, signal);
      return true;
    },
  };
}

/** The user of an issuance, or what stands for it: the claim key of a request whose user is not known. */
function userOf({ claimKey, userId }: Held): string {
  if (userId !== undefined) return userId;
  const at = claimKey.indexOf(SEPARATOR);
  return at < 0 ? claimKey : claimKey.slice(0, at);
}
