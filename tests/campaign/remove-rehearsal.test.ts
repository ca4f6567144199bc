import { randomInt } from "node:crypto";
import { expect } from "chai";
import { createRemoveRehearsal, type RemoveRehearsal } from "../../campaign/remove-rehearsal.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { newCampaignId, newRehearsalId } from "../../record/campaign-id.ts";
import { createCampaigns } from "../../record/campaigns.ts";
import { createCoupons } from "../../record/coupons.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { createHistory, historyId, settingsOf } from "../../record/history.ts";
import { createIssuances } from "../../record/issuances.ts";
import { createPreflights } from "../../record/preflights.ts";
import { createRehearsals } from "../../record/rehearsals.ts";
import { RehearsalRemoved } from "../../record/still-exists.ts";
import { systemClock } from "../../runtime/clock.ts";
import { differences, mentionsOf, readEverything } from "../support/everything.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const RACES = 30;
const RACES_MOST = RACES * 10;
const STARTS_AT = new Date(1_800_000_000_000);

describe("removal of a rehearsal, on real stores", () => {
  const stores = withStores("alone");
  let redis: RawRedis;
  let remove: RemoveRehearsal;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    remove = remover(0);
  });
  after(async () => {
    redis?.destroy();
  });

  function remover(graceMs: number): RemoveRehearsal {
    const rehearsals = createRehearsals(stores.db);
    const deps = { pool: stores.pool, rehearsals, clock: systemClock, logger: silentLogger, graceMs };
    return createRemoveRehearsal(deps);
  }

  async function untilRemoved(id: string, by = remove): Promise<void> {
    for (;;) if ((await by(id)).kind === "removed") return;
  }

  /** A campaign with documents and keys of every kind, in both stores. */
  async function made(id: string, fields: Partial<CampaignDoc>): Promise<CampaignDoc> {
    const doc: CampaignDoc = {
      ...{ _id: id, name: "a test", total: 3, startsAt: STARTS_AT, onePerUser: true },
      ...{ codeFormat: "가가가가가가0000", state: "OPEN", generation: 1, generated: 3, createdAt: STARTS_AT },
      ...fields,
    };
    const entry = { _id: historyId(id, 0), campaignId: id, revision: 0, at: STARTS_AT, actor: "kim" };
    await createCampaigns(stores.db).create({
      ...doc,
      outbox: [{ ...entry, verb: "create", after: settingsOf(doc) }],
    });
    await createHistory(stores.db).flush(id);
    const codes = [0, 1, 2].map((ordinal) => ({ _id: `${id} ${ordinal}`, campaignId: id, ordinal }));
    await createCoupons(stores.db).insert(codes);
    await createIssuances(stores.db).insert([issuance(id, 0)]);
    await createPreflights(stores.db).take(
      { campaignId: id, startsAt: STARTS_AT, beforeMs: 10_000, revision: 0 },
      STARTS_AT,
    );
    await stores.db
      .collection("processes")
      .updateOne(
        { _id: "one" as never },
        { $push: { campaigns: { campaignId: id } as never } },
        { upsert: true },
      );
    const keys = campaignKeys(id);
    for (const key of Object.values(keys)) await redis.set(key, "x");
    return doc;
  }

  const issuance = (campaignId: string, i: number) => ({
    ...{ _id: `${campaignId} ${i}`, campaignId, claimKey: `user ${i}` },
    ...{ generation: 1, seq: i + 1, issuedAt: STARTS_AT },
  });
  const rehearsalFields = () => ({ rehearsalOf: newCampaignId(1), expiresAt: new Date(Date.now() + 60_000) });

  it("leaves nothing of it, and everything else as it was, byte for byte", async () => {
    await made(newCampaignId(Date.now()), {});
    await made(newRehearsalId(Date.now()), rehearsalFields());
    const before = await readEverything(redis, stores.db);
    const id = newRehearsalId(Date.now());
    await made(id, rehearsalFields());
    expect(differences(before, await readEverything(redis, stores.db)).length).to.be.greaterThan(15);
    expect((await mentionsOf(id, redis, stores.db)).length).to.be.greaterThan(15);
    await untilRemoved(id);
    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
    expect(await mentionsOf(id, redis, stores.db)).to.deep.equal([]);
    expect((await remove(id)).kind).to.equal("removed");
  });

  it("touches no campaign that is not one, by whatever door", async () => {
    const real = newCampaignId(Date.now());
    await made(real, {});
    // Neither of these two can come about: only where both the id and the document say so is a campaign a
    // rehearsal.
    const misnamed = newCampaignId(Date.now());
    await made(misnamed, rehearsalFields());
    const unsaid = newRehearsalId(Date.now());
    await made(unsaid, {});
    const before = await readEverything(redis, stores.db);
    const rehearsals = createRehearsals(stores.db);
    for (const id of [real, misnamed, unsaid]) {
      expect(await remove(id)).to.deep.equal({ kind: "no-rehearsal" });
      expect((await rehearsals.mark(id)).kind).to.equal("no-rehearsal");
    }
    for (const id of [real, misnamed]) {
      const doors = [stores.pool.remove, rehearsals.removeSome, rehearsals.forget];
      for (const door of doors)
        expect(await door(id).then(() => "done", String)).to.match(
          /only what is a rehearsal is ever removed/,
        );
    }
    // A document without the mark of a rehearsal is never removed, whatever its id.
    await rehearsals.forget(unsaid);
    expect(differences(before, await readEverything(redis, stores.db))).to.deep.equal([]);
    expect(await remove(newCampaignId(1))).to.deep.equal({ kind: "removed" });
  });

  it("nobody finds it from the mark on: no look-up, list, lease, tick or generator", async () => {
    const campaigns = createCampaigns(stores.db);
    const id = newRehearsalId(Date.now());
    await made(id, { ...rehearsalFields(), requestId: "asked once" });
    const finders = async () => [
      (await campaigns.find(id)) !== null,
      (await campaigns.list("", 1_000, true)).some(({ _id }) => _id === id),
      (await campaigns.live(1_000)).some(({ _id }) => _id === id),
      (await campaigns.takeLease(id, "me", 1_000, false)) !== null,
      await campaigns.renewLease(id, "me", 1_000),
      (await campaigns.findByRequest("asked once")) !== null,
      await createRehearsals(stores.db).stands(id),
    ];
    expect(await finders()).to.deep.equal(Array(7).fill(true));
    expect((await campaigns.list("", 1_000)).some(({ _id }) => _id === id)).to.equal(false);
    await createRehearsals(stores.db).mark(id);
    expect(await finders()).to.deep.equal(Array(7).fill(false));
    await untilRemoved(id);
  });

  it("what comes too late is taken back by whoever wrote it", async () => {
    const id = newRehearsalId(Date.now());
    const doc = await made(id, rehearsalFields());
    await createRehearsals(stores.db).mark(id);
    expect(await createIssuances(stores.db).insert([issuance(id, 1), issuance(id, 2)])).to.deep.equal([
      { kind: "removed" },
      { kind: "removed" },
    ]);
    const codes = [{ _id: `${id} late`, campaignId: id, ordinal: 3 }];
    const made_ = createCoupons(stores.db).insert(codes);
    expect(await made_.catch((error: unknown) => error)).to.be.instanceOf(RehearsalRemoved);
    expect(
      await createPreflights(stores.db).take(
        { campaignId: id, startsAt: STARTS_AT, beforeMs: 60_000, revision: 0 },
        STARTS_AT,
      ),
    ).to.equal(false);
    // The outbox as `flush` read it before the mark emptied it.
    const waiting = [
      { _id: historyId(id, 1), campaignId: id, revision: 1, at: STARTS_AT, actor: "", verb: "open" },
    ];
    await stores.db
      .collection<CampaignDoc>("campaigns")
      .updateOne(
        { _id: id },
        { $set: { outbox: waiting.map((entry) => ({ ...entry, after: settingsOf(doc) })) as never } },
      );
    await createHistory(stores.db).flush(id);
    const late = await mentionsOf(id, redis, stores.db);
    expect(late.filter((name) => /late|^issuances .* [12]$|60000|\/1$/.test(name))).to.deep.equal([]);
    await untilRemoved(id);
    expect(await mentionsOf(id, redis, stores.db)).to.deep.equal([]);
  });

  it(`${RACES} removals or more that race with every kind of writer leave nothing, without any time to settle`, async () => {
    const met = { issuances: 0, lateIssuances: 0, codes: 0, lateCodes: 0 };
    // Each kind of write has to occur on both sides of the mark; otherwise the test shows nothing.
    const isMet = () => Object.values(met).every((times) => times > RACES / 4);
    for (let race = 0; race < RACES || (!isMet() && race < RACES_MOST); race++) {
      const id = newRehearsalId(Date.now());
      await made(id, rehearsalFields());
      const soon = () => new Promise<void>((resolve) => setTimeout(resolve, randomInt(12)));
      const writers = Array.from({ length: 12 }, async (_, i) => {
        const issue = async () => {
          const [outcome] = await createIssuances(stores.db).insert([issuance(id, 10 + i)]);
          met[outcome?.kind === "removed" ? "lateIssuances" : "issuances"] += 1;
        };
        const fill = () =>
          createCoupons(stores.db)
            .insert([{ _id: `${id} ${10 + i}`, campaignId: id, ordinal: 10 + i }])
            .then(
              () => {
                met.codes += 1;
              },
              (error: unknown) => {
                if (!(error instanceof RehearsalRemoved)) throw error;
                met.lateCodes += 1;
              },
            );
        const look = async () =>
          void (await createPreflights(stores.db).take(
            { campaignId: id, startsAt: STARTS_AT, beforeMs: i, revision: 0 },
            STARTS_AT,
          ));
        const steps = [issue, fill, look];
        for (let step = 0; step < steps.length; step++) {
          await soon();
          await steps[(i + step) % steps.length]?.();
        }
      });
      const removing = soon().then(() => untilRemoved(id));
      await Promise.all([...writers, removing]);
      expect(await mentionsOf(id, redis, stores.db), `race ${race}`).to.deep.equal([]);
    }
    for (const [what, times] of Object.entries(met)) expect(times, what).to.be.greaterThan(RACES / 4);
  });

  it("its own document stays until an insert that a killed server had sent must have come", async () => {
    const id = newRehearsalId(Date.now());
    await made(id, rehearsalFields());
    const patient = remover(700);
    expect((await patient(id)).kind).to.equal("under-way");
    expect(await stores.db.collection("campaigns").countDocuments({ _id: id as never })).to.equal(1);
    const collection = stores.db.collection<{ _id: string; campaignId: string }>("issuances");
    await collection.insertOne({ _id: `${id} of a dead server`, campaignId: id });
    await untilRemoved(id, patient);
    expect(await mentionsOf(id, redis, stores.db)).to.deep.equal([]);
  });

  it("whoever comes along goes on with what was begun, or is over", async () => {
    const rehearsals = createRehearsals(stores.db);
    const begun = newRehearsalId(Date.now());
    await made(begun, rehearsalFields());
    await rehearsals.mark(begun);
    await rehearsals.removeSome(begun);
    const over = newRehearsalId(Date.now());
    await made(over, { ...rehearsalFields(), expiresAt: new Date(Date.now() - 1) });
    const standing = newRehearsalId(Date.now());
    await made(standing, rehearsalFields());
    // Rehearsals of earlier tests may have expired by now, too.
    const due = async () =>
      (await rehearsals.due(1_000)).filter((id) => [begun, over, standing].includes(id));
    expect(await due()).to.have.members([begun, over]);
    await Promise.all([begun, over].map((id) => untilRemoved(id, remover(0))));
    expect(await due()).to.deep.equal([]);
    expect(await rehearsals.stands(standing)).to.equal(true);
    await untilRemoved(standing);
  });
});
