import { expect } from "chai";
import { createKeeper } from "../../../web/launch/kept.ts";

const ID = "0123456789ABCDEFGHJKMNPQRS";
const WANTED = { isWanted: true, coupon: undefined };
const ISSUED = { isWanted: false, coupon: { code: "가0", issuedAtMs: 1 } };

/** A storage with a quota that the test sets. */
function smallStorage() {
  const values = new Map<string, string>();
  const quota = { isFull: false };
  const storage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem(key: string, value: string) {
      if (quota.isFull) throw new DOMException("full", "QuotaExceededError");
      values.set(key, value);
    },
    removeItem: (key: string) => void values.delete(key),
  } as Storage;
  const target = new EventTarget();
  const fromOtherTab = (key: string | null) =>
    target.dispatchEvent(Object.assign(new Event("storage"), { key }));
  return { keeper: createKeeper(ID, () => storage, target), values, quota, fromOtherTab };
}

describe("what the launch page keeps", () => {
  it("in a storage that has become full is the coupon, not what was stored before it", () => {
    const { keeper, quota } = smallStorage();
    keeper.keep("u", WANTED);
    quota.isFull = true;
    keeper.keep("u", ISSUED);
    expect(keeper.of("u")).to.deep.equal(ISSUED);
    quota.isFull = false;
    keeper.keep("u", WANTED);
    expect(keeper.of("u")).to.deep.equal(WANTED);
  });

  it("is what another tab has stored since", () => {
    const { keeper, quota, values, fromOtherTab } = smallStorage();
    keeper.keep("u", WANTED);
    const [key = ""] = values.keys();
    quota.isFull = true;
    keeper.keep("u", WANTED);
    values.set(key, JSON.stringify(ISSUED));
    let changes = 0;
    keeper.onChange(() => {
      changes += 1;
    });
    fromOtherTab(key);
    expect(changes).to.equal(1);
    expect(keeper.of("u")).to.deep.equal(ISSUED);
    values.delete(key);
    fromOtherTab(key);
    expect(keeper.of("u").coupon).to.equal(undefined);
  });
});
