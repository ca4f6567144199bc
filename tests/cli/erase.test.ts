import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { runHere } from "../support/run-here.ts";
import { startStandIn } from "../support/stand-in.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("cli: erase", () => {
  let folder: ReturnType<typeof temporaryDir>;
  before(() => {
    folder = temporaryDir();
  });
  after(() => folder.remove());

  function fileOf(name: string, text: string): string {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    return path;
  }

  it("sends each id of the file once, exactly as it is written, without a byte order mark and line ends", async () => {
    const asked: string[][] = [];
    const service = await startStandIn({
      campaigns: {
        async *eraseUsers({ userIds }) {
          asked.push(userIds);
          yield { message: { case: "report", value: { campaigns: [] } } };
        },
      },
    });
    try {
      const users = fileOf("users.txt", "\ufeffanna\r\n ben \r\n\r\nanna\r\n한글");
      const { code } = await runHere(["erase", "--users", users, "--yes"], { url: service.url });
      expect([code, asked]).to.deep.equal([0, [["anna", " ben ", "한글"]]]);
    } finally {
      await service.close();
    }
  });

  it("names the flag and the system's error of a file that cannot be read, in the words of every file", async () => {
    const nothing = join(folder.path, "none");
    for (const [args, words] of [
      [["--users", nothing], `--users: cannot read "${nothing}": ENOENT`],
      [["--users", folder.path], `--users: cannot read "${folder.path}": EISDIR`],
      [["--users", fileOf("empty.txt", "\n \n")], "--users: there is no user id in it"],
      [[], "no user is given"],
      [["--users", nothing, "--user", "u"], "--user and --users are both given"],
    ] as const) {
      const { code, stderr } = await runHere(["erase", ...args, "--yes"], { url: "http://127.0.0.1:1" });
      expect([code, stderr.includes(words)], stderr).to.deep.equal([2, true]);
    }
  });
});
