import { expect } from "chai";
import { type OperatorClaims, operatorOfClaims } from "../../../access/oidc/token-operator.ts";
import type { OperatorRole } from "../../../runtime/operator-settings.ts";

describe("the operator that an access token names", () => {
  const roles = new Map<string, OperatorRole>([
    ["ops", "operator"],
    ["Coupon Admins", "admin"],
    ["look", "viewer"],
  ]);
  const told = (claims: object, how: Partial<OperatorClaims> = {}) => {
    const answer = operatorOfClaims(claims as Record<string, unknown>, {
      ...{ roleClaim: "roles", nameClaim: "sub", roles },
      ...how,
    });
    return answer.kind === "operator" ? `${answer.operator.name} ${answer.operator.role}` : answer.kind;
  };

  it("has the highest of its roles, wherever the provider writes them", () => {
    const kim = { sub: "kim" };
    expect(told({ ...kim, roles: ["look", "ops", "look"] })).to.equal("oidc:kim operator");
    expect(told({ ...kim, roles: "ops" })).to.equal("oidc:kim operator");
    expect(told({ ...kim, scope: "openid ops look" }, { roleClaim: "scope" })).to.equal("oidc:kim operator");
    expect(told({ ...kim, roles: "Coupon Admins" })).to.equal("oidc:kim admin");
    const nested = { ...kim, realm_access: { roles: ["Coupon Admins"] } };
    expect(told(nested, { roleClaim: "realm_access.roles" })).to.equal("oidc:kim admin");
    const named = { ...kim, "https://shop.test/roles": ["look"] };
    expect(told(named, { roleClaim: "https://shop.test/roles" })).to.equal("oidc:kim viewer");
  });

  it("is none without a role that counts, whatever the claim is", () => {
    for (const value of [
      undefined,
      null,
      7,
      true,
      {},
      { ops: true },
      [["ops"]],
      [{ name: "ops" }],
      "opsy",
      "ops,look",
    ])
      expect(told({ sub: "kim", roles: value }), JSON.stringify(value)).to.equal("denied");
    for (const roleClaim of ["__proto__", "constructor.name", "a.b.c", "roles.length"])
      expect(told({ sub: "kim", roles: ["ops"] }, { roleClaim }), roleClaim).to.equal("denied");
    expect(told({ sub: "kim", roles: Array(2_000).fill("x").concat("ops") })).to.equal("denied");
  });

  it("is named by a claim that cannot pass for a key, for the service, or for two names", () => {
    const of = (name: unknown) =>
      told({ roles: "ops", preferred_username: name }, { nameClaim: "preferred_username" });
    for (const name of ["kim", "auth0|5f7c", "kim@shop.test", "kim/realm", "scheduler", "9"])
      expect(of(name)).to.equal(`oidc:${name} operator`);
    for (const name of [
      undefined,
      "",
      " kim",
      "kim (lee)",
      "kim\nlee",
      "kim\u200b",
      "김",
      "k".repeat(91),
      7,
      ["kim"],
    ])
      expect(of(name), JSON.stringify(name)).to.equal("denied");
  });

  it("is named by an address only where the provider has verified it", () => {
    const of = (verified: unknown) =>
      told({ roles: "ops", email: "kim@shop.test", email_verified: verified }, { nameClaim: "email" });
    expect(of(true)).to.equal("oidc:kim@shop.test operator");
    for (const verified of [false, undefined, "true", 1]) expect(of(verified)).to.equal("denied");
  });
});
