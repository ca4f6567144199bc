import { expect } from "chai";
import { mayImport, wrongImports } from "../../checks/import-directions.mjs";

const check = (files: Record<string, string>) =>
  wrongImports(Object.keys(files), (file) => files[file] ?? "");

describe("checks: imports point one way", () => {
  it("downward imports are right", () => {
    const wrong = check({
      "claims/a.ts": 'import { b } from "../pool/b.ts";\nimport { c } from "../campaign/c.ts";',
      "pool/b.ts": 'import { d } from "../runtime/d.ts";',
      "campaign/c.ts": "",
      "runtime/d.ts": "",
    });
    expect(wrong).to.deep.equal([]);
  });

  for (const [how, line] of Object.entries({
    "a value": 'import { a } from "../server/rpc/a.ts";',
    "a type alone": 'import type { A } from "../server/rpc/a.ts";',
    "over several lines": 'import {\n  a,\n  b,\n} from "../server/rpc/a.ts";',
    "for its effect": 'import "../server/rpc/a.ts";',
    "when it is needed": 'const { a } = await import("../server/rpc/a.ts");',
    "passed on": 'export { a } from "../server/rpc/a.ts";',
  })) {
    it(`an upward import of ${how} is told with what the room may import`, () => {
      const [wrong, ...more] = check({ "claims/x.ts": line, "server/rpc/a.ts": "" });
      expect(more).to.deep.equal([]);
      expect(wrong).to.equal(
        `claims/x.ts imports server/rpc/a.ts: claims may import ${mayImport["claims"]?.join(", ")}`,
      );
    });
  }

  it("rooms beside each other, and rooms of the workshop, are out of reach", () => {
    const files = {
      "generator/a.ts": 'import { b } from "../scheduler/b.ts";',
      "scheduler/b.ts": "",
      "pool/c.ts": 'import { d } from "../local/d.ts";',
      "local/d.ts": "",
    };
    expect(check(files)).to.have.length(2);
  });

  it("a circle of types alone is told, once, with its members", () => {
    const files = {
      "record/a.ts": 'import type { B } from "./b.ts";',
      "record/b.ts": 'import type { C } from "./c.ts";',
      "record/c.ts": 'import type { A } from "./a.ts";',
      "record/d.ts": 'import type { A } from "./a.ts";',
    };
    expect(check(files)).to.deep.equal(["a circle of imports: record/a.ts, record/b.ts, record/c.ts"]);
  });

  it("a file in a room that nobody named is told", () => {
    expect(check({ "helpers/a.ts": "" })).to.deep.equal(["helpers/a.ts: lies in no room that is known"]);
  });

  it("the table itself has no circle", () => {
    const rooms = Object.keys(mayImport);
    const above = (room: string, seen: readonly string[] = []): void => {
      expect(seen, `${room} is above itself`).not.to.include(room);
      for (const below of mayImport[room] ?? []) above(below, [...seen, room]);
    };
    for (const room of rooms) above(room);
  });
});
