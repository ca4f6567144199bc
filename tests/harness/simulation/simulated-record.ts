import type { Campaigns } from "../../../record/campaigns.ts";
import type { Commitments } from "../../../record/commitments.ts";
import type { Coupons } from "../../../record/coupons.ts";
import type { CampaignDoc, IssuanceDoc } from "../../../record/documents.ts";
import type { History } from "../../../record/history.ts";
import type { InsertOutcome } from "../../../record/insert-outcome.ts";
import type { Issuances } from "../../../record/issuances.ts";
import type { MongoLink } from "./mongo-link.ts";
import type { MongoServer, Stored } from "./mongo-server.ts";
import { happened, latencyMs, type World } from "./world.ts";

export type SimulatedRecord = {
  campaigns: Campaigns;
  commitments: Commitments;
  coupons: Coupons;
  history: History;
  issuances: Issuances;
};

const notSimulated = (): never => {
  throw new Error("not part of the simulation");
};

/** The typed collections, on the simulated MongoDB. */
export function createSimulatedRecord(world: World, mongo: MongoServer, link: MongoLink): SimulatedRecord {
  const { campaign } = mongo;
  const copy = (): CampaignDoc => ({ ...campaign, ...(campaign.lease && { lease: { ...campaign.lease } }) });
  const leaseIsFree = () => campaign.lease === undefined || campaign.lease.until.getTime() < mongo.nowMs();
  const write = <T>(label: string, run: () => T) =>
    link.call<T>(label, (done) => {
      const result = run();
      inJournal("written", () => done(result));
    });

  function inJournal(label: string, then: () => void): void {
    const incarnation = mongo.incarnation;
    world.agenda.in(latencyMs(world, world.typicalMs.mongo), mongo.actor, label, () => {
      if (incarnation === mongo.incarnation) then();
    });
  }

  const campaigns: Campaigns = {
    create: notSimulated,
    totalsByFormat: notSimulated,
    markErased: notSimulated,
    recordErasure: notSimulated,
    forgotUsers: notSimulated,
    toForget: notSimulated,
    erasedSince: notSimulated,
    formatsInUse: notSimulated,
    startingBetween: notSimulated,
    startedUnmade: notSimulated,
    overPage: notSimulated,
    findByRequest: notSimulated,
    list: notSimulated,
    find: (id) => link.read(`campaign ${id}`, () => (campaign._id === id ? copy() : null)),
    live: () =>
      link.read("live campaigns", () =>
        ["SCHEDULED", "OPEN", "PAUSED"].includes(campaign.state) ||
        (campaign.state === "SOLD_OUT" && campaign.generation > (campaign.loadedGeneration ?? 0))
          ? [copy()]
          : [],
      ),
    soldOutAndOver: (now) =>
      link.read("sold out and over", () =>
        campaign.state === "SOLD_OUT" && campaign.endsAt !== undefined && campaign.endsAt <= now
          ? [copy()]
          : [],
      ),
    nextToGenerate: () =>
      link.read("next to generate", () => (campaign.state === "GENERATING" && leaseIsFree() ? copy() : null)),
    takeLease: (_, owner, leaseMs, raiseGeneration) =>
      write(`take lease ${owner}${raiseGeneration ? ", raise generation" : ""}`, () => {
        if (!leaseIsFree() && campaign.lease?.owner !== owner) {
          happened(world, "lease was taken");
          return null;
        }
        campaign.lease = { owner, until: new Date(mongo.nowMs() + leaseMs) };
        if (raiseGeneration && world.plant !== "generation-frozen") campaign.generation++;
        if (campaign.generation === 0) campaign.generation = 1;
        return copy();
      }),
    renewLease: (_, owner, leaseMs) =>
      write(`renew lease ${owner}`, () => {
        if (campaign.lease?.owner !== owner) return false;
        campaign.lease.until = new Date(mongo.nowMs() + leaseMs);
        return true;
      }),
    dropLease: (_, owner, { loadedGeneration = 0, loadedTotal = 0 } = {}) =>
      write(`drop lease ${owner}`, () => {
        if (campaign.lease?.owner !== owner) return;
        delete campaign.lease;
        if (loadedGeneration > 0)
          campaign.loadedGeneration = Math.max(campaign.loadedGeneration ?? 0, loadedGeneration);
        if (loadedTotal > 0) campaign.loadedTotal = Math.max(campaign.loadedTotal ?? 0, loadedTotal);
      }),
    recordGenerated: (_, generated) =>
      write(`record generated ${generated}`, () => {
        campaign.generated = Math.max(campaign.generated, generated);
      }),
    recordCommitted: notSimulated,
    askForLease: notSimulated,
    withdrawAsking: notSimulated,
    change: notSimulated,
    finishAdding: notSimulated,
    atRest: notSimulated,
    advance: (_, from, to, { openedAt }) =>
      write(`campaign to ${to}`, () => {
        if (!from.includes(campaign.state)) return false;
        campaign.state = to;
        if (openedAt !== undefined) campaign.openedAt ??= openedAt;
        return true;
      }),
  };

  const coupons: Coupons = {
    insert: notSimulated,
    ordinalsOf: notSimulated,
    ordinals: (_, first, end) =>
      link.read("ordinals", () =>
        mongo.coupons.map(({ ordinal }) => ordinal).filter((ordinal) => ordinal >= first && ordinal < end),
      ),
    codes: (_, first, end) =>
      link.read("codes", () => {
        // A rebuild reads here: at this moment a late insert does the most harm.
        for (const hurry of [...world.onTheWay]) if (world.random.chance(0.5)) hurry();
        return mongo.coupons.slice(first, end).map(({ _id }) => _id);
      }),
  };

  /** The unordered bulk insert; resolves to the indexes of refused documents, once the others are durable. */
  function insertMany(docs: readonly IssuanceDoc[]): Promise<number[]> {
    const label = `insert ${docs.map((doc) => `${doc.claimKey}=${doc._id}@${doc.generation}-${doc.seq}`).join()}`;
    return link.call<number[]>(label, (done) => {
      const refused: number[] = [];
      const stored: Stored[] = [];
      docs.forEach((doc, i) => {
        const outcome = mongo.insert(doc);
        if (!("duplicateOf" in outcome)) stored.push(outcome);
        else {
          refused.push(i);
          happened(world, outcome.duplicateOf.doc._id === doc._id ? "E11000 on a code" : "E11000 on a key");
        }
      });
      inJournal("issuances reached the majority", () => {
        for (const one of stored) mongo.reachedMajority(one);
        done(refused);
      });
    });
  }

  const byOrder = (a: IssuanceDoc, b: IssuanceDoc) => a.generation - b.generation || a.seq - b.seq;
  /** A query may yield between two documents: those that it reads later may be newer. */
  const yields = () => world.random.chance(0.2);

  const issuances: Issuances = {
    async insert(docs) {
      if (world.plant === "acknowledge-early") {
        insertMany(docs).catch(() => undefined);
        return docs.map((issuance) => ({ kind: "durable", issuance }));
      }
      const refused = await insertMany(docs);
      if (refused.length === 0) return docs.map((issuance) => ({ kind: "durable", issuance }));
      const wanted = new Set(refused.map((i) => docs[i]));
      const standing = await link.read(`who holds ${refused.length} refused`, () =>
        mongo
          .visible()
          .filter((doc) => docs.some(({ _id, claimKey }) => doc._id === _id || doc.claimKey === claimKey)),
      );
      return docs.map((doc): InsertOutcome => {
        if (!wanted.has(doc)) return { kind: "durable", issuance: doc };
        const issuance = standing.find(({ claimKey }) => claimKey === doc.claimKey);
        const holder = standing.find(({ _id }) => _id === doc._id);
        if (issuance?._id === doc._id) return { kind: "durable", issuance };
        if (issuance !== undefined) return { kind: "key-taken", issuance, codeFree: holder === undefined };
        if (holder === undefined)
          throw new Error("an issuance was refused as a duplicate of one that cannot be read");
        if (world.plant === "code-taken-ignored") return { kind: "durable", issuance: doc };
        return { kind: "code-taken", issuance: holder };
      });
    },
    findByClaimKey: (_, claimKey) =>
      link.read(
        `issuance of ${claimKey}`,
        () => mongo.visible().find((doc) => doc.claimKey === claimKey) ?? null,
      ),
    findByClaimKeys: (_, { above, below }, limit) =>
      link.read(`issuances of ${above} to ${below}`, () =>
        mongo
          .visible()
          .filter(({ claimKey }) => claimKey > above && claimKey < below)
          .toSorted((a, b) => (a.claimKey < b.claimKey ? -1 : 1))
          .slice(0, limit),
      ),
    findByCode: (_, code) =>
      link.read(`issuance of ${code}`, () => mongo.visible().find((doc) => doc._id === code) ?? null),
    findIssued: (code) =>
      link.read(`issuance of ${code}`, () => mongo.visible().find((doc) => doc._id === code) ?? null),
    count: () => link.read("count issuances", () => mongo.visible().length),
    countBefore: notSimulated,
    claimKeys: (_, after, limit) =>
      link.read(`claim keys after ${after ?? "-"}`, () =>
        mongo
          .visible()
          .map(({ claimKey }) => claimKey)
          .filter((claimKey) => after === undefined || claimKey > after)
          .sort()
          .slice(0, limit),
      ),
    async issuedAmong(codes) {
      const part = (some: readonly string[]) =>
        link.read(`which are issued of ${some.join()}`, () =>
          some.filter((code) => mongo.holderIsVisible(code)),
        );
      const half = yields() ? Math.ceil(codes.length / 2) : codes.length;
      const first = await part(codes.slice(0, half));
      return new Set(half === codes.length ? first : first.concat(await part(codes.slice(half))));
    },
    placesInOrder: (campaignId, after, limit) => issuances.inOrder(campaignId, after, limit),
    last: () => link.read("last issuance", () => mongo.visible().sort(byOrder).at(-1)),
    async inOrder(_, after, limit) {
      const page = (from: typeof after, most: number) =>
        link.read(`issuances after ${from === undefined ? "-" : `${from.generation}-${from.seq}`}`, () =>
          mongo
            .visible()
            .filter(
              (doc) =>
                from === undefined ||
                doc.generation > from.generation ||
                (doc.generation === from.generation && doc.seq > from.seq),
            )
            .sort(byOrder)
            .slice(0, most),
        );
      if (limit < 3 || !yields()) return page(after, limit);
      const first = await page(after, 2);
      return first.length < 2 ? first : first.concat(await page(first.at(-1), limit - 2));
    },
    codesInOrder: (campaignId, after, limit) => issuances.inOrder(campaignId, after, limit),
  };

  // No history is simulated here: no operator changes the campaign.
  const history: History = {
    flush: () => Promise.resolve(),
    list: notSimulated,
    listAfter: notSimulated,
    findByRequest: notSimulated,
  };
  // The campaign is committed to its codes when a run begins.
  const commitments: Commitments = {
    findSeed: notSimulated,
    seed: notSimulated,
    chunkRoots: notSimulated,
    insertChunks: notSimulated,
    chunk: notSimulated,
    record: notSimulated,
    list: notSimulated,
  };
  return { campaigns, commitments, coupons, history, issuances };
}
