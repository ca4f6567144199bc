import { PassThrough } from "node:stream";
import { expect } from "chai";
import { openClients } from "../../cli/client.ts";
import { Input } from "../../cli/command.ts";
import { readConfigFile } from "../../cli/config-file.ts";
import { confirm, type Question } from "../../cli/confirm.ts";
import { openOutput } from "../../cli/output.ts";
import { openPrompt } from "../../cli/prompt.ts";
import type { Session } from "../../cli/session.ts";
import { readSettings } from "../../cli/settings.ts";
import { UserError } from "../../cli/user-error.ts";

describe("cli confirmation", () => {
  const interruption = new AbortController();

  /** A session in which a person types `answers` on a terminal; undefined: standard input is no terminal. */
  async function sessionWith(answers: string | undefined, json = false) {
    const stdin = Object.assign(new PassThrough(), { isTTY: answers !== undefined });
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    let said = "";
    stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    if (answers !== undefined) stdin.end(answers);
    const env = { XDG_CONFIG_HOME: "/nonexistent" };
    const settings = readSettings({}, env, await readConfigFile(env));
    const session: Session = {
      settings,
      ...openClients(settings),
      output: openOutput({ stdout, stderr, json, colour: false, canDraw: true, redact: (text) => text }),
      prompt: openPrompt({ stdin, stderr, json }),
      stdin,
      unicode: true,
      signal: interruption.signal,
    };
    return { session, said: () => said };
  }

  async function outcome(answers: string | undefined, question: Question, options = {}, json = false) {
    const { session, said } = await sessionWith(answers, json);
    try {
      await confirm(session, new Input("C", options), question);
      return { agreed: true, said: said(), error: undefined };
    } catch (error) {
      return { agreed: false, said: said(), error: error instanceof UserError ? error : undefined };
    }
  }

  const plain: Question = { what: "end C now" };
  const grave: Question = { what: "cancel C: 400 coupons are retired for ever", typed: "크리스마스" };

  for (const answer of ["y\n", "Y\n", " yes \n", "YES\n"]) {
    it(`${JSON.stringify(answer)} agrees`, async () => {
      const { agreed, said } = await outcome(answer, plain);
      expect(agreed).to.equal(true);
      expect(said).to.include("this cannot be undone: end C now").and.include("[y/N]");
    });
  }

  for (const answer of ["\n", "n\n", "no\n", "yep\n", "", "j\n"]) {
    it(`${JSON.stringify(answer)} does not`, async () => {
      const { agreed, error } = await outcome(answer, plain);
      expect(agreed).to.equal(false);
      expect(error).to.include({ exitCode: 7, message: "not confirmed, nothing was changed" });
    });
  }

  it("what is grave has to be typed in full, in any Unicode form", async () => {
    expect((await outcome("y\n", grave)).agreed).to.equal(false);
    expect((await outcome("크리스마\n", grave)).error?.hint).to.include("type 크리스마스 exactly");
    expect((await outcome("크리스마스\n", grave)).agreed).to.equal(true);
    expect((await outcome("크리스마스\n".normalize("NFD"), grave)).agreed).to.equal(true);
  });

  it("--yes asks nothing, on a terminal and in a pipe", async () => {
    expect(await outcome("", grave, { yes: true })).to.include({ agreed: true, said: "" });
    expect(await outcome(undefined, grave, { yes: true })).to.include({ agreed: true, said: "" });
  });

  it("refuses in a pipe and with --json, with the words what to do", async () => {
    for (const refused of [await outcome(undefined, grave), await outcome("y\n", plain, {}, true)]) {
      expect(refused.agreed).to.equal(false);
      expect(refused.error?.exitCode).to.equal(7);
      expect(refused.error?.message).to.include("nothing was changed");
      expect(refused.error?.hint).to.include("--yes");
      expect(refused.said).to.equal("");
    }
  });

  it("an interruption while it is asked ends the line of the question, and only that one", async () => {
    const [stdin, stderr] = [new PassThrough(), new PassThrough()].map((stream) =>
      Object.assign(stream, { isTTY: true }),
    ) as [PassThrough & { isTTY: boolean }, PassThrough & { isTTY: boolean }];
    let said = "";
    stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ctrlC = new AbortController();
    const prompt = openPrompt({ stdin, stderr, json: false });
    const answered = prompt.ask("First? ", ctrlC.signal);
    stdin.write("y\n");
    expect(await answered).to.equal("y");
    const asked = prompt.ask("Go on? ", ctrlC.signal).catch((error: unknown) => error);
    ctrlC.abort(new Error("Ctrl-C"));
    expect(await asked).to.have.property("message", "Ctrl-C");
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).to.equal("First? Go on? \n");
  });

  it("an interruption is no agreement", async () => {
    const { session } = await sessionWith("y\n");
    const aborted = { ...session, signal: AbortSignal.abort(new Error("Ctrl-C")) };
    let why: unknown;
    await confirm(aborted, new Input("C", {}), plain).catch((error: unknown) => {
      why = error;
    });
    expect(why).to.be.instanceOf(Error).with.property("message", "Ctrl-C");
  });
});
