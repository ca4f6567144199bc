import { addEntry, answer, at, type Damage, retell } from "./damage.ts";
import { STARTS_AT_MS } from "./written-books.ts";

/** Damage to the owners of codes: U1 to U4. */
export const damagesOfOwners: readonly Damage[] = [
  {
    fails: "U1",
    what: "two issuances of one code",
    to: "half",
    plant: (b) => b.issuances.push({ ...at(b.issuances, 0), claimKey: "user-x", seq: 99 }),
  },
  {
    fails: "U1",
    what: "a code recorded twice for the same key",
    to: "half",
    plant: (b) => b.issuances.push({ ...at(b.issuances, 0) }),
  },
  {
    fails: "U1",
    what: "two callers were told the same code",
    to: "half",
    plant: (b) =>
      addEntry(b, {
        claimKey: "user-x",
        outcome: { ...answer(b, "user-1", 0).coupon, seq: 99, replayed: false },
      }),
  },
  {
    fails: "U1",
    what: "the claims hash gives a code to two keys",
    to: "half",
    plant: (b) => b.claims.push({ ...at(b.claims, 0), claimKey: "user-x", seq: 99 }),
  },
  {
    fails: "U1",
    what: "an issued code is in the pool",
    to: "half",
    plant: (b) => b.open.push(at(b.issuances, 0).code),
  },
  {
    fails: "U1",
    what: "an issued code is in the pool of a sold-out campaign",
    to: "sold-out",
    plant: (b) => b.open.push(at(b.issuances, 3).code),
  },
  { fails: "U1", what: "a code is in the pool twice", to: "half", plant: (b) => b.open.push(at(b.open, 0)) },
  {
    fails: "U1",
    what: "a code is in both pool lists",
    to: "half",
    plant: (b) => b.staged.push(at(b.open, 0)),
  },
  {
    fails: "U1",
    what: "a code of a cancelled pool is issued",
    to: "half",
    plant: (b) => {
      b.campaign.state = "CANCELLED";
      Object.assign(b.meta ?? {}, { state: "cancelled" });
      b.away = b.open;
      b.open = [];
      b.away.push(at(b.issuances, 0).code);
    },
  },
  {
    fails: "U2",
    what: "an acknowledged coupon is gone from both stores (rolled back)",
    to: "half",
    plant: (b) => {
      b.open.unshift(at(b.issuances, -1).code);
      b.issuances.pop();
      b.claims.pop();
    },
  },
  {
    fails: "U2",
    what: "the caller was told another seq than is recorded",
    to: "half",
    plant: (b) => {
      retell(b, "user-4", 0, { seq: 1_000 });
      retell(b, "user-4", 1, { seq: 1_000 });
    },
  },
  {
    fails: "U2",
    what: "the caller was told another instant than is recorded",
    to: "half",
    plant: (b) => {
      const issuedAtMs = at(b.issuances, 2).issuedAtMs + 1;
      retell(b, "user-2", 0, { issuedAtMs });
      retell(b, "user-2", 1, { issuedAtMs });
    },
  },
  {
    fails: "U2",
    what: "the caller was told another generation than is recorded",
    to: "half",
    plant: (b) => retell(b, "user-2", 0, { generation: 2 }),
  },
  {
    fails: "U3",
    what: "more issued than there are coupons",
    to: "sold-out",
    plant: (b) => {
      b.campaign.total -= 1;
      if (b.meta !== undefined) b.meta.total -= 1;
    },
  },
  {
    fails: "U3",
    what: "an issued code is no code of the campaign",
    to: "half",
    plant: (b) => b.codes.shift(),
  },
  {
    fails: "U3",
    what: "more codes than were ordered",
    to: "half",
    plant: (b) => {
      b.codes.push("하하하하하하9999");
      b.open.push("하하하하하하9999");
    },
  },
  {
    fails: "U4",
    what: "the second answer has another code",
    to: "half",
    plant: (b) => retell(b, "user-1", 1, { code: at(b.open, 0) }),
  },
  {
    fails: "U4",
    what: "the second answer has another seq",
    to: "half",
    plant: (b) => retell(b, "user-1", 1, { seq: 77 }),
  },
  {
    fails: "U4",
    what: "the second answer has another instant",
    to: "half",
    plant: (b) => retell(b, "user-1", 1, { issuedAtMs: STARTS_AT_MS + 400 }),
  },
  {
    fails: "U4",
    what: "one key has two issuances",
    to: "half",
    plant: (b) => b.issuances.push({ ...at(b.issuances, 0), code: String(b.open.pop()), seq: 99 }),
  },
];
