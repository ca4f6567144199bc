import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type CertifyDeps, makeCertificate, type ReadInTurn } from "../../campaign/certify.ts";
import { allowedIn, phaseOf } from "../../campaign/life-cycle.ts";
import { CLAIMS_UNDER_WAY } from "../../campaign/refusal.ts";
import type { SettledNow } from "../../campaign/settled-issues.ts";
import { issuanceLine, leftLine } from "../../proof/certificate-lines.ts";
import { unpackIssuances } from "../../proof/certified-chunk.ts";
import { CHUNK_LEAVES, HASH_BYTES } from "../../proof/merkle.ts";
import type { SigningKey } from "../../proof/signing-key.ts";
import {
  type CampaignService,
  CertifyCampaignResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { CertificateDoc } from "../../record/certificates.ts";
import { bufferOf, type Commitments } from "../../record/commitments.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Clock } from "../../runtime/clock.ts";
import { productVersion } from "../../runtime/version.ts";
import { answerChannelIn, cutUnlessTaken } from "../http/answer-channel.ts";
import { throwIfGone } from "./caller-gone.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import type { ReadingPace } from "./reading-pace.ts";
import { createRefuse } from "./refuse.ts";

export type CertifyCampaignDeps = Omit<CertifyDeps, "signingKey" | "software" | "nowMs" | "commitments"> & {
  readonly commitments: Commitments;
  /** undefined: the deployment certifies nothing. */
  readonly signingKey: SigningKey | undefined;
  readonly settledNow: SettledNow;
  readonly pace: ReadingPace;
  readonly findCampaign: (id: string) => Promise<CampaignDoc>;
  readonly clock: Clock;
  /** Fires when the server drains: the caller asks again, and what was made is kept. */
  readonly draining: AbortSignal;
};

/** A certificate of millions takes a processor for a while. */
const AT_ONCE_MAX = 2;
const TAKEN_WITHIN_MS = 60_000;
/** Chunks of 1,024 issuances that are read at a time: 200 kB and about 20 ms each. */
const CHUNKS_READ = { idle: 4, busy: 1 } as const;

/** Makes a campaign's certificate, or finds it, and streams it as the lines of its file. */
export function createCertifyCampaign(
  deps: CertifyCampaignDeps,
): ServiceImpl<typeof CampaignService>["certifyCampaign"] {
  const { signingKey, settledNow, pace, findCampaign, certificates, clock, draining } = deps;
  const limit = createConcurrencyLimit(AT_ONCE_MAX, "certificates are under way", clock);
  const { refuse } = createRefuse(clock);

  /** @throws the refusal of a campaign whose issue order may still change */
  async function demandSettled(campaign: CampaignDoc): Promise<void> {
    const { state } = campaign;
    if (state !== "SOLD_OUT" && state !== "ENDED" && state !== "CANCELLED")
      throw notAllowed(campaign, "only one that is sold out, has ended or was cancelled has a final order");
    const settled = await settledNow(campaign._id);
    if (settled.kind === "all" || (settled.kind === "below" && settled.isAtRest)) return;
    throw refuse(CLAIMS_UNDER_WAY);
  }

  function notAllowed({ state, openedAt }: CampaignDoc, why: string): ConnectError {
    const phase = phaseOf(state, openedAt, { state: "", opened: false });
    return refuse({ reason: "NOT_ALLOWED", verb: "certify", phase, allowed: allowedIn(phase), why });
  }

  return async function* certifyCampaign(request, context) {
    const campaign = await findCampaign(request.campaignId);
    if (signingKey === undefined)
      throw notAllowed(campaign, "this deployment has no CERTIFICATE_KEY to sign a certificate with");
    await demandSettled(campaign);
    const leave = limit.take();
    const channel = answerChannelIn(context.values);
    const inTurn: ReadInTurn = (read) => {
      if (draining.aborted)
        throw new ConnectError("this server is stopping; ask again, what was made is kept", Code.Unavailable);
      throwIfGone(context.signal);
      return pace.page(CHUNKS_READ, read, context.signal);
    };
    try {
      const making = { ...deps, signingKey, software: softwareName(), nowMs: () => clock.now() };
      for await (const message of messages(making, campaign, inTurn)) {
        const taken = cutUnlessTaken(channel, TAKEN_WITHIN_MS, clock);
        try {
          yield create(CertifyCampaignResponseSchema, message);
        } finally {
          taken();
        }
      }
    } finally {
      leave();
    }
  };

  type Message = { certified: number; linesTotal: number; lines?: string; statement?: Statement };
  type Statement = { readonly statement: string; readonly signature: Uint8Array };

  async function* messages(
    making: CertifyDeps,
    campaign: CampaignDoc,
    inTurn: ReadInTurn,
  ): AsyncGenerator<Message> {
    const steps = makeCertificate(making, campaign, inTurn);
    let step = await steps.next();
    for (; step.done !== true; step = await steps.next()) yield { certified: step.value, linesTotal: 0 };
    yield* file(step.value, inTurn);
  }

  async function* file(certificate: CertificateDoc, inTurn: ReadInTurn): AsyncGenerator<Message> {
    const { campaignId, issued, committed, statement } = certificate;
    const issuedOnes = new Uint8Array(committed);
    const chunks = (await certificates.chunks(campaignId)).filter(
      ({ number, count }) => count === Math.min(CHUNK_LEAVES, issued - number * CHUNK_LEAVES),
    );
    let uncommitted = 0;
    yield {
      certified: issued,
      linesTotal: 0,
      statement: { statement, signature: bufferOf(certificate.signature) },
    };
    for (let at = 0; at < chunks.length; ) {
      const read = await inTurn((most) => certificates.entries(campaignId, chunks.slice(at, at + most)));
      at += read.length;
      for (const packed of read) {
        const entries = unpackIssuances(packed);
        for (const { ordinal } of entries) {
          if (ordinal < committed) issuedOnes[ordinal] = 1;
          else uncommitted++;
        }
        const lines = entries.map((one) => `${issuanceLine(one)}\n`).join("");
        yield { certified: issued, linesTotal: committed + uncommitted, lines };
      }
    }
    yield* left(campaignId, issuedOnes, inTurn, { certified: issued, linesTotal: committed + uncommitted });
  }

  async function* left(
    campaignId: string,
    issuedOnes: Uint8Array,
    inTurn: ReadInTurn,
    counts: { readonly certified: number; readonly linesTotal: number },
  ): AsyncGenerator<Message> {
    for (const { first, size } of await deps.commitments.list(campaignId)) {
      if (first >= issuedOnes.length) return;
      for (let from = first; from < first + size; from += CHUNK_LEAVES) {
        const end = Math.min(first + size, from + CHUNK_LEAVES);
        if (!issuedOnes.subarray(from, end).includes(0)) continue;
        const number = (from - first) / CHUNK_LEAVES;
        const chunk = await inTurn(() => deps.commitments.chunk(campaignId, first, number));
        if (chunk === null)
          throw new Error(`a commitment of campaign ${campaignId} lacks its chunk ${number}`);
        const lines: string[] = [];
        for (let ordinal = from; ordinal < end; ordinal++) {
          const at = (ordinal - from) * HASH_BYTES;
          if (issuedOnes[ordinal] === 0)
            lines.push(`${leftLine(chunk.hashes.subarray(at, at + HASH_BYTES), ordinal)}\n`);
        }
        yield { ...counts, lines: lines.join("") };
      }
    }
  }
}

const softwareName = () => `coupon-issuer ${productVersion()}`;
