import { expect } from "chai";
import { withoutEnvFile } from "../../../server/workers/exec-arguments.ts";

describe("arguments of Node for a worker", () => {
  it("are those of the primary, but for the env file", () => {
    expect(withoutEnvFile(["--env-file=.env", "--import", "tsx"])).to.deep.equal(["--import", "tsx"]);
    expect(withoutEnvFile(["--import", "tsx", "--env-file", ".env"])).to.deep.equal(["--import", "tsx"]);
    expect(withoutEnvFile(["--enable-source-maps"])).to.deep.equal(["--enable-source-maps"]);
  });
});
