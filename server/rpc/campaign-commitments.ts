import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type CountLookUp, rateLimited } from "../../access/limits.ts";
import { commitmentsOf } from "../../campaign/commitment-facts.ts";
import { validCampaignId } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { CampaignCache } from "../../claims/campaign-cache.ts";
import { createLookUpSlots } from "../../claims/look-up-slots.ts";
import type { SigningKey } from "../../proof/signing-key.ts";
import { type Commitment, commitmentLine } from "../../proof/statements.ts";
import type { GetCampaignCommitmentResponse } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { GetCampaignCommitmentResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { SignedStatement } from "../../proto/gen/coupon/v1/proof_pb.ts";
import { CommitmentSchema, SignedStatementSchema } from "../../proto/gen/coupon/v1/proof_pb.ts";
import type { Commitments } from "../../record/commitments.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createRecentEntries } from "../../runtime/recent-entries.ts";
import { createSingleFlight } from "../../runtime/single-flight.ts";
import { createRefuse } from "./refuse.ts";

export type CampaignCommitmentsDeps = {
  readonly commitments: Pick<Commitments, "list">;
  readonly campaignCache: Pick<CampaignCache, "find">;
  /** undefined: nothing is signed. */
  readonly signingKey: SigningKey | undefined;
  readonly reads: Breaker;
  readonly countLookUp?: CountLookUp | undefined;
  readonly clock: Clock;
};

/** The commitments of campaigns, shared by the calls of a second. */
export type CampaignCommitments = {
  /** Those of a campaign that exists. */
  list(campaignId: string): Promise<readonly Commitment[]>;
  /** One of them, signed; undefined: the deployment has no key. */
  signed(campaignId: string, commitment: Commitment): SignedStatement | undefined;
  /** The answer to GetCampaignCommitment. @throws the refusal */
  answer(campaignId: string, address: string): Promise<GetCampaignCommitmentResponse>;
};

const FRESH_MS = 1_000;
const KEPT_HALF_MAX = 1_000;
const SLOTS = { what: "look-ups of commitments", atOnceMax: 2, waitingMax: 1_000 } as const;

export function createCampaignCommitments(deps: CampaignCommitmentsDeps): CampaignCommitments {
  const { commitments, campaignCache, signingKey, reads, countLookUp, clock } = deps;
  const { refuse, orRefuse } = createRefuse(clock);
  const known = createRecentEntries<{ readonly list: readonly Commitment[]; readonly untilMs: number }>(
    KEPT_HALF_MAX,
  );
  /** By statement: Ed25519 signs the same alike, so it is done once. */
  const signatures = createRecentEntries<SignedStatement>(KEPT_HALF_MAX);
  const asking = createSingleFlight<readonly Commitment[]>();
  const slots = createLookUpSlots(SLOTS);

  async function ask(campaignId: string): Promise<readonly Commitment[]> {
    const docs = await slots.run(() => reads.ask(() => commitments.list(campaignId)));
    const list = commitmentsOf(docs);
    known.keep(campaignId, { list, untilMs: clock.elapsed() + FRESH_MS });
    return list;
  }

  async function list(campaignId: string): Promise<readonly Commitment[]> {
    const kept = known.get(campaignId);
    if (kept !== undefined && kept.untilMs > clock.elapsed()) return kept.list;
    return asking.run(campaignId, () => ask(campaignId));
  }

  function signed(campaignId: string, commitment: Commitment): SignedStatement | undefined {
    if (signingKey === undefined) return undefined;
    const statement = commitmentLine(campaignId, commitment, signingKey.publicKey);
    const kept = signatures.get(statement);
    if (kept !== undefined) return kept;
    const made = create(SignedStatementSchema, { statement, signature: signingKey.sign(statement) });
    signatures.keep(statement, made);
    return made;
  }

  return {
    list,
    signed,
    async answer(given, address) {
      const over = countLookUp?.(address);
      if (over !== undefined) throw refuse(rateLimited(over));
      const campaignId = orRefuse(validCampaignId(given));
      if ((await slots.run(() => campaignCache.find(campaignId))) === null)
        throw refuse({ reason: "UNKNOWN_CAMPAIGN" });
      const all = await list(campaignId);
      return create(GetCampaignCommitmentResponseSchema, {
        commitments: all.map(viewCommitment),
        signed: all.flatMap((one) => signed(campaignId, one) ?? []),
        publicKey: signingKey?.publicKey ?? "",
      });
    },
  };
}

export function viewCommitment({ number, first, size, root, madeAtMs }: Commitment) {
  return create(CommitmentSchema, { number, first, size, root, madeAt: timestampFromMs(madeAtMs) });
}
