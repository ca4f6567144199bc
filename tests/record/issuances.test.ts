import { expect } from "chai";
import type { IssuanceDoc } from "../../record/documents.ts";
import type { InsertOutcome } from "../../record/insert-outcome.ts";
import { createIssuances, type Issuances } from "../../record/issuances.ts";
import { UncertainInsert } from "../../record/unordered-insert.ts";
import { withStores } from "../support/with-stores.ts";

const standing = (outcome: InsertOutcome) => (outcome.kind === "removed" ? undefined : outcome.issuance._id);

describe("issuances", () => {
  const stores = withStores();
  let issuances: Issuances;

  before(async () => {
    issuances = createIssuances(stores.db);
  });

  let serial = 0;
  const campaignIdOf = () => `campaign-${++serial}`;
  const doc = (
    campaignId: string,
    code: string,
    claimKey: string,
    given: Partial<IssuanceDoc> = {},
  ): IssuanceDoc => ({
    _id: `${campaignId}/${code}`,
    campaignId,
    claimKey,
    generation: 1,
    seq: ++serial,
    issuedAt: new Date(1_000 + serial),
    ...given,
  });
  const stored = (campaignId: string) =>
    stores.db.collection<IssuanceDoc>("issuances").find({ campaignId }).sort({ _id: 1 }).toArray();

  describe("insert", () => {
    it("durable: now, and when the very same was durable before", async () => {
      const campaignId = campaignIdOf();
      const one = doc(campaignId, "a", "user a");
      expect(await issuances.insert([one])).to.deep.equal([{ kind: "durable", issuance: one }]);
      expect(await issuances.insert([one])).to.deep.equal([{ kind: "durable", issuance: one }]);
      expect(await stored(campaignId)).to.deep.equal([one]);
    });

    it("the same code and key with another seq: what was durable first is what is held", async () => {
      const campaignId = campaignIdOf();
      const first = doc(campaignId, "a", "user a", { generation: 1, seq: 5 });
      await issuances.insert([first]);
      const second = { ...first, generation: 2, seq: 1, issuedAt: new Date(9) };
      expect(await issuances.insert([second])).to.deep.equal([{ kind: "durable", issuance: first }]);
      expect(await stored(campaignId)).to.deep.equal([first]);
    });

    it("the key holds another code: that one, and whether the code tried is free", async () => {
      const campaignId = campaignIdOf();
      const held = doc(campaignId, "a", "user a");
      const other = doc(campaignId, "b", "user b");
      await issuances.insert([held, other]);
      expect(await issuances.insert([doc(campaignId, "c", "user a")])).to.deep.equal([
        { kind: "key-taken", issuance: held, codeFree: true },
      ]);
      expect(await issuances.insert([doc(campaignId, "b", "user a")])).to.deep.equal([
        { kind: "key-taken", issuance: held, codeFree: false },
      ]);
      expect(await stored(campaignId)).to.deep.equal([held, other]);
    });

    it("the code is somebody else's", async () => {
      const campaignId = campaignIdOf();
      const owner = doc(campaignId, "a", "owner");
      await issuances.insert([owner]);
      expect(await issuances.insert([doc(campaignId, "a", "somebody")])).to.deep.equal([
        { kind: "code-taken", issuance: owner },
      ]);
      expect(await stored(campaignId)).to.deep.equal([owner]);
    });

    it("a code is unique over all campaigns, a key within its own", async () => {
      const [one, two] = [campaignIdOf(), campaignIdOf()];
      const owner = doc(one, "a", "user");
      await issuances.insert([owner]);
      expect(await issuances.insert([{ ...doc(two, "x", "somebody"), _id: owner._id }])).to.deep.equal([
        { kind: "code-taken", issuance: owner },
      ]);
      expect((await issuances.insert([doc(two, "b", "user")])).map(({ kind }) => kind)).to.deep.equal([
        "durable",
      ]);
    });

    it("keys that look alike are not: spaces, case, other forms of a letter, other campaigns' ids", async () => {
      const [x, y] = [campaignIdOf(), campaignIdOf()];
      const keys = ["y z", "y  z", "Y Z", " y z", "y z ", "\u00e9", "e\u0301", `${y} z`, "$ne", "a.b"];
      const docs = [doc(y, "z", "z"), ...keys.map((key, i) => doc(x, `${i}`, key))];
      await issuances.insert(docs);
      const again = docs.map((one, i) => ({ ...one, _id: `another ${i}` }));
      expect(await issuances.insert(again)).to.deep.equal(
        docs.map((issuance) => ({ kind: "key-taken", issuance, codeFree: true })),
      );
    });

    it("all of it mixed in one batch of 1,000, each by itself and in order", async () => {
      const campaignId = campaignIdOf();
      const held = Array.from({ length: 300 }, (_, i) => doc(campaignId, `held ${i}`, `holder ${i}`));
      await issuances.insert(held);
      const kinds = ["new", "same", "key-taken", "code-taken", "both"] as const;
      const batch = Array.from({ length: 1_000 }, (_, i) => {
        const kind = kinds[i % kinds.length] ?? "new";
        const one = held[i % 300] ?? doc(campaignId, "", "");
        const two = held[(i + 7) % 300] ?? one;
        if (kind === "same") return { kind: "durable", tried: one, expected: one };
        if (kind === "key-taken")
          return { kind, tried: doc(campaignId, `free ${i}`, one.claimKey), expected: one, codeFree: true };
        if (kind === "code-taken")
          return { kind, tried: { ...doc(campaignId, "", `stranger ${i}`), _id: one._id }, expected: one };
        if (kind === "both")
          return {
            kind: "key-taken",
            tried: { ...doc(campaignId, "", one.claimKey), _id: two._id },
            expected: one,
            codeFree: false,
          };
        const fresh = doc(campaignId, `new ${i}`, `newcomer ${i}`);
        return { kind: "durable", tried: fresh, expected: fresh };
      });
      const outcomes = await issuances.insert(batch.map(({ tried }) => tried));
      expect(outcomes).to.have.length(1_000);
      outcomes.forEach((outcome, i) => {
        const wanted = batch[i];
        expect({ i, kind: outcome.kind, issuance: standing(outcome) }).to.deep.equal({
          i,
          kind: wanted?.kind,
          issuance: wanted?.expected._id,
        });
        if (outcome.kind === "key-taken") expect(outcome.codeFree).to.equal(wanted?.codeFree);
      });
      expect(await issuances.count(campaignId)).to.equal(300 + 200);
    });

    it("the same key and the same code twice within one batch", async () => {
      const campaignId = campaignIdOf();
      const one = doc(campaignId, "a", "user");
      const outcomes = await issuances.insert([
        one,
        { ...one },
        doc(campaignId, "b", "user"),
        { ...doc(campaignId, "x", "other"), _id: one._id },
      ]);
      expect(outcomes).to.deep.equal([
        { kind: "durable", issuance: one },
        { kind: "durable", issuance: one },
        { kind: "key-taken", issuance: one, codeFree: true },
        { kind: "code-taken", issuance: one },
      ]);
    });

    it("two batches that race for the same keys: one record each, and both are told the same", async () => {
      const campaignId = campaignIdOf();
      const batch = (prefix: string) =>
        Array.from({ length: 200 }, (_, i) => doc(campaignId, `${prefix} ${i}`, `user ${i}`));
      const [left, right] = await Promise.all([issuances.insert(batch("l")), issuances.insert(batch("r"))]);
      expect(left.map(standing)).to.deep.equal(right.map(standing));
      expect(await issuances.count(campaignId)).to.equal(200);
    });

    it("any other failure is thrown: nobody knows then", async () => {
      const campaignId = campaignIdOf();
      const large = doc(campaignId, "a", "x".repeat(17 * 1_024 * 1_024));
      const trouble = await issuances
        .insert([doc(campaignId, "b", "b"), large])
        .catch((error: unknown) => error);
      expect(trouble).to.be.instanceOf(Error);
    });

    it("a failure beside duplicates is thrown too: the duplicates do not hide it", async () => {
      const campaignId = campaignIdOf();
      const one = doc(campaignId, "a", "user");
      await issuances.insert([one]);
      // MongoDB refuses to index two arrays in one key (code 171): no other document comes nearer to a broken
      // one.
      const broken = Object.assign(doc(campaignId, "b", "b"), { generation: [1, 2], seq: [1, 2] });
      const batch = [one, broken as unknown as IssuanceDoc];
      const trouble = await issuances.insert(batch).catch((error: unknown) => error);
      expect(trouble).to.be.instanceOf(UncertainInsert);
    });
  });

  describe("reading", () => {
    it("in issue order across generations, page by page, each once, whatever the page", async () => {
      const campaignId = campaignIdOf();
      const other = campaignIdOf();
      const docs: IssuanceDoc[] = [];
      for (const [generation, count] of [
        [1, 7],
        [2, 1],
        [10, 12],
        [11, 3],
      ] as const) {
        for (let seq = 1; seq <= count; seq++)
          docs.push(
            doc(campaignId, `${generation} ${seq}`, `user ${generation} ${seq}`, { generation, seq }),
          );
      }
      await issuances.insert([...docs].reverse());
      await issuances.insert([doc(other, "z", "z", { generation: 2, seq: 1 })]);
      const order = docs.map(({ _id }) => _id);
      for (const limit of [1, 2, 3, 7, 8, 22, 23, 24, 1_000]) {
        const seen: string[] = [];
        let after: IssuanceDoc | undefined;
        for (let page = 0; page < 30; page++) {
          const found = await issuances.inOrder(campaignId, after, limit);
          expect(found.length).to.be.at.most(limit);
          seen.push(...found.map(({ _id }) => _id));
          after = found.at(-1) ?? after;
          if (found.length < limit) break;
        }
        expect(seen, `pages of ${limit}`).to.deep.equal(order);
        const codes = await issuances.codesInOrder(campaignId, undefined, limit);
        const placed = docs.map(({ _id, generation, seq }) => ({ _id, generation, seq }));
        expect(codes).to.deep.equal(placed.slice(0, limit));
      }
    });

    it("stops below a place, and tells the last one", async () => {
      const campaignId = campaignIdOf();
      const places = [1, 2, 3, 5, 6].flatMap((generation) => [1, 2, 4].map((seq) => ({ generation, seq })));
      expect(await issuances.last(campaignId)).to.equal(undefined);
      await issuances.insert(
        places.map(({ generation, seq }) =>
          doc(campaignId, `${generation} ${seq}`, `user ${generation} ${seq}`, { generation, seq }),
        ),
      );
      expect(await issuances.last(campaignId)).to.deep.equal({ generation: 6, seq: 4 });
      const rank = ({ generation, seq }: { generation: number; seq: number }) => generation * 10 + seq;
      const ends = [1, 2, 3, 4, 5, 6, 7].flatMap((generation) =>
        [0, 1, 3, 5].map((seq) => ({ generation, seq })),
      );
      for (const after of [undefined, ...ends])
        for (const below of ends) {
          const wanted = places.filter(
            (place) => (after === undefined || rank(place) > rank(after)) && rank(place) < rank(below),
          );
          for (const limit of [2, 100]) {
            const found = await issuances.codesInOrder(campaignId, after, limit, below);
            expect(found.map(({ generation, seq }) => ({ generation, seq }))).to.deep.equal(
              wanted.slice(0, limit),
            );
          }
        }
    });

    it("goes on after a place that nobody has", async () => {
      const campaignId = campaignIdOf();
      const docs = [1, 2, 5, 6].map((seq) =>
        doc(campaignId, `${seq}`, `user ${seq}`, { generation: 3, seq }),
      );
      await issuances.insert(docs);
      const idsAfter = async (generation: number, seq: number) =>
        (await issuances.inOrder(campaignId, { generation, seq }, 10)).map((one) => one.seq);
      expect(await idsAfter(3, 3)).to.deep.equal([5, 6]);
      expect(await idsAfter(2, 900)).to.deep.equal([1, 2, 5, 6]);
      expect(await idsAfter(3, 6)).to.deep.equal([]);
      expect(await idsAfter(4, 0)).to.deep.equal([]);
    });

    it("finds by key and by code within the campaign only, counts, and knows which codes are issued", async () => {
      const [one, two] = [campaignIdOf(), campaignIdOf()];
      const mine = doc(one, "a", "user");
      await issuances.insert([mine, doc(one, "b", "other"), doc(two, "c", "user")]);
      expect(await issuances.findByClaimKey(one, "user")).to.deep.equal(mine);
      expect(await issuances.findByClaimKey(one, "nobody")).to.equal(null);
      expect(await issuances.findByCode(one, mine._id)).to.deep.equal(mine);
      expect(await issuances.findByCode(two, mine._id)).to.equal(null);
      expect([
        await issuances.count(one),
        await issuances.count(two),
        await issuances.count("none"),
      ]).to.deep.equal([2, 1, 0]);
      expect(await issuances.issuedAmong([mine._id, "unknown"])).to.deep.equal(new Set([mine._id]));
      expect(await issuances.issuedAmong([])).to.deep.equal(new Set());
    });

    it("every listing is answered from an index", async () => {
      const campaignId = campaignIdOf();
      const collection = stores.db.collection<IssuanceDoc>("issuances");
      for (const filter of [
        { campaignId },
        { campaignId, generation: 1, seq: { $gt: 1 } },
        { campaignId, generation: { $gt: 1 } },
      ]) {
        const plan = JSON.stringify(
          await collection
            .find(filter, { hint: "in_issue_order" })
            .sort({ generation: 1, seq: 1 })
            .explain("queryPlanner"),
        );
        expect(plan).to.include("in_issue_order");
        expect(plan).not.to.match(/"stage":"(COLLSCAN|SORT)"/);
      }
    });
  });
});
