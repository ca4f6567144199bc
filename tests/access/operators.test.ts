import { expect } from "chai";
import { actorOf, covers, createAuthenticateOperator } from "../../access/operators.ts";
import { OPERATOR_ROLES } from "../../runtime/operator-settings.ts";
import { keySetting } from "../support/operator-key.ts";

const TOKEN = "a-token-of-some-length";
const KIM = "kim-key-0123456789012345678901234567890";
const KIM_NEW = "kim-new-0123456789012345678901234567890";
const LEE = "lee-key-0123456789012345678901234567890";

describe("credentials of operators", () => {
  const keys = [
    keySetting("kim", "operator", KIM),
    keySetting("kim", "operator", KIM_NEW),
    keySetting("lee", "viewer", LEE),
  ];
  const authenticating = createAuthenticateOperator({ token: TOKEN, keys });
  const authenticate = (authorization: string | undefined) => {
    const answer = authenticating(authorization);
    if (answer instanceof Promise) throw new Error("a key is decided without a promise");
    return answer;
  };

  it("several keys are valid at once, each with its name and role; the token is the shared admin", () => {
    const told = [KIM, KIM_NEW, LEE, TOKEN].map((key) => authenticate(`Bearer ${key}`));
    expect(told).to.deep.equal([
      { kind: "operator", operator: { name: "kim", role: "operator", isShared: false } },
      { kind: "operator", operator: { name: "kim", role: "operator", isShared: false } },
      { kind: "operator", operator: { name: "lee", role: "viewer", isShared: false } },
      { kind: "operator", operator: { name: "operator", role: "admin", isShared: true } },
    ]);
  });

  it("the scheme is in any case of letters, the key is not", () => {
    for (const scheme of ["bearer", "BEARER", "bEaReR", "Bearer "])
      expect(authenticate(`${scheme} ${TOKEN}`).kind, scheme).to.equal("operator");
  });

  const wrong = [
    ...["", "Bearer", "Bearer ", TOKEN, `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, `Bearer${TOKEN}`],
    ...[`Bearer ${TOKEN.toUpperCase()}`, `Bearer ${TOKEN} ${TOKEN}`, `bearer bearer ${TOKEN}`],
    ...[`Bearer ${KIM},Bearer ${KIM}`, `Bearer ${keySetting("kim", "operator", KIM).sha256}`],
    `Bearer ${"x".repeat(100_000)}`,
  ];
  for (const authorization of wrong) {
    it(`refuses ${JSON.stringify(authorization.slice(0, 90))} and repeats nothing of it`, () => {
      const answer = authenticate(authorization);
      expect(answer.kind).to.equal("wrong");
      expect(JSON.stringify(answer)).not.to.include(TOKEN).and.not.to.include("xxx");
    });
  }

  it("with no credential configured, nobody is an operator", async () => {
    const nobody = createAuthenticateOperator({});
    expect((await nobody(undefined)).kind).to.equal("missing");
    for (const authorization of ["", "Bearer", `Bearer ${TOKEN}`])
      expect((await nobody(authorization)).kind, authorization).to.equal("wrong");
  });

  it("the key that the service made at its start is one that several people may share", async () => {
    const { sha256 } = keySetting("local", "admin", KIM);
    const only = createAuthenticateOperator({ localKeySha256: sha256 });
    const operator = { name: "local", role: "admin", isShared: true } as const;
    expect(await only(`Bearer ${KIM}`)).to.deep.equal({ kind: "operator", operator });
    expect((await only(`Bearer ${LEE}`)).kind).to.equal("wrong");
    expect(actorOf(operator, "kim@laptop")).to.equal("local (kim@laptop)");
  });

  it("tells a missing credential from a wrong one", () => {
    expect(authenticate(undefined).kind).to.equal("missing");
  });

  it("only what looks like a JWT and is no key is verified as an access token", async () => {
    const verified: string[] = [];
    const both = createAuthenticateOperator({
      ...{ token: "a.token.with-two-dots", keys },
      async verifyToken(token) {
        verified.push(token);
        return { kind: "denied", why: "no role" };
      },
    });
    const known = [KIM, "a.token.with-two-dots"];
    const no = ["x.y", "a.b.c.d", "none"];
    for (const key of [...known, ...no]) expect(both(`Bearer ${key}`)).not.to.be.instanceOf(Promise);
    expect(await both("Bearer a.b.c")).to.deep.equal({ kind: "denied", why: "no role" });
    expect(verified).to.deep.equal(["a.b.c"]);
  });

  it("a service that accepts access tokens alone lets nobody in without one", () => {
    const only = createAuthenticateOperator({ verifyToken: () => Promise.reject(new Error("not asked")) });
    expect(
      [only(undefined), only("Bearer key")].map((answer) => "kind" in answer && answer.kind),
    ).to.deep.equal(["missing", "wrong"]);
  });

  it("redeemer and viewer have rights of their own, operator those of both, admin those of an operator", () => {
    const table = OPERATOR_ROLES.map((role) => OPERATOR_ROLES.map((needed) => covers(role, needed)));
    expect(table).to.deep.equal([
      [true, false, false, false],
      [false, true, false, false],
      [true, true, true, false],
      [true, true, true, true],
    ]);
  });

  it("the actor is the proven name; what the caller says stands behind it only where a key is shared", () => {
    const kim = { name: "kim", role: "operator", isShared: false } as const;
    const shared = { name: "operator", role: "admin", isShared: true } as const;
    expect(actorOf(kim, "lee")).to.equal("kim");
    expect(actorOf(kim, "")).to.equal("kim");
    expect(actorOf(shared, "")).to.equal("operator");
    expect(actorOf(shared, "kim@ops")).to.equal("operator (kim@ops)");
    expect(actorOf(shared, "scheduler")).to.equal("operator (scheduler)");
  });
});
