import { expect } from "chai";
import { CLAIM_AUTH_MODES, stricter } from "../../access/claim-auth-mode.ts";

describe("the modes of CLAIM_AUTH", () => {
  it("open is less strict than key, and key than token", () => {
    const table = CLAIM_AUTH_MODES.map((one) => CLAIM_AUTH_MODES.map((other) => stricter(one, other)));
    expect(table).to.deep.equal([
      ["open", "key", "token"],
      ["key", "key", "token"],
      ["token", "token", "token"],
    ]);
  });
});
