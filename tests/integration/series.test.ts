import { expect } from "chai";
import { until } from "../../local/poll.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { HANG_MS } from "../support/patience.ts";
import { readJsonLines, runCli, startCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const DAYS = 60;

describe("a series of drops over a real service", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;

  before(async () => {
    services = createServices(stores.env);
    // Without a scheduler nothing opens meanwhile, however slow the machine is.
    service = await services.start({ roles: "server,generator" });
  });
  after(() => services.end());

  const run = (...args: string[]) => runCli(args, { url: service.url });
  const every = (name: string, ...more: string[]) => [
    ...["create", "--name", name, "--total", "3", "--every", "0 10 * * *", "--zone", "Asia/Seoul"],
    ...["--until", `+${DAYS}d`, "--end", "start+2h", "--max-per-user", "2", ...more],
  ];
  const recorded = (seriesId: string) =>
    stores.db.collection<CampaignDoc>("campaigns").find({ seriesId }).sort({ startsAt: 1 }).toArray();

  it("killed and repeated, it makes each campaign once; a later --until adds the new ones", async () => {
    const dry = await run(...every("Daily", "--dry-run", "--json"));
    expect(dry.code, dry.stderr).to.equal(0);
    const { seriesId, campaigns } = JSON.parse(dry.stdout) as {
      seriesId: string;
      campaigns: { name: string; startsAt: string; endsAt: string; requestId: string }[];
    };
    expect(campaigns).to.have.length(DAYS);
    expect(await recorded(seriesId)).to.deep.equal([]);

    const running = await startCli(every("Daily"), { url: service.url });
    expect(await until(async () => (await recorded(seriesId)).length >= 5, HANG_MS, 2)).to.equal(true);
    running.child.kill("SIGKILL");
    await running.finished;
    const some = (await recorded(seriesId)).map(({ _id }) => _id);
    expect(some.length).to.be.lessThan(DAYS);

    const again = await run(...every("Daily"));
    expect(again.code, again.stderr).to.equal(0);
    const docs = await recorded(seriesId);
    expect(
      docs.map(({ startsAt, endsAt, name, requestId, maxPerUser }) => ({
        ...{ startsAt: startsAt.toISOString(), endsAt: endsAt?.toISOString(), name, requestId, maxPerUser },
      })),
    ).to.deep.equal(
      campaigns.map(({ startsAt, endsAt, name, requestId }) => ({
        startsAt,
        endsAt,
        name,
        requestId,
        maxPerUser: 2,
      })),
    );
    expect(docs.map(({ _id }) => _id)).to.include.members(some);
    for (const { startsAt, name } of docs) {
      expect(startsAt.toISOString()).to.match(/T01:00:00.000Z$/);
      expect(name).to.equal(`Daily ${startsAt.toISOString().slice(0, 10)} 10:00`);
    }
    const later: Readonly<Record<string, string>> = {
      [`+${DAYS}d`]: `+${DAYS + 2}d`,
      "0 10 * * *": " 0  10 * *\t* ",
    };
    const more = await run(...every("Daily").map((arg) => later[arg] ?? arg));
    expect(more.code, more.stderr).to.equal(0);
    expect(await recorded(seriesId)).to.have.length(DAYS + 2);
    const other = await run(...every("Daily").map((arg) => (arg === "3" ? "4" : arg)));
    expect([other.code, other.stderr]).to.satisfy(
      ([code, words]: [number, string]) =>
        code === 3 &&
        /series series-\w+ has Daily [\d :-]+ already, with another --total; .*--series/.test(words),
    );
  });

  it("is listed, and cancelled but for what has opened or is about to", async () => {
    const named = ["--series", "weekly"];
    const made = await run(
      ...every("Weekly", ...named).map((arg) => (arg === "0 10 * * *" ? "0 10 * * 5" : arg)),
    );
    expect(made.code, made.stderr).to.equal(0);
    const all = await recorded("weekly");
    expect(all.length).to.be.within(8, 9);
    const listed = await run("list", ...named, "--json");
    expect(readJsonLines(listed.stdout).map((line) => (line as { id: string }).id)).to.deep.equal(
      all.map(({ _id }) => _id).reverse(),
    );
    const [first, second] = all as [CampaignDoc, CampaignDoc];
    const campaigns = stores.db.collection<CampaignDoc>("campaigns");
    await campaigns.updateOne({ _id: first._id }, { $set: { state: "SOLD_OUT", openedAt: new Date() } });
    await campaigns.updateOne({ _id: second._id }, { $set: { startsAt: new Date(Date.now() + 2_000) } });
    const dry = await run("cancel", ...named, "--dry-run");
    expect(dry.stderr).to.include(`${all.length - 2} campaigns would be cancelled`);
    const unasked = await run("cancel", ...named);
    expect(unasked.code).to.equal(7);
    const cancelled = await run("cancel", ...named, "--yes");
    expect(cancelled.code, cancelled.stderr).to.equal(0);
    expect(cancelled.stderr).to.include(`${second._id} is about to open and is left alone`);
    const states = (await recorded("weekly")).filter(({ _id }) => ![first._id, second._id].includes(_id));
    expect(states.map(({ state }) => state)).to.deep.equal(Array(all.length - 2).fill("CANCELLED"));
    await campaigns.updateOne({ _id: second._id }, { $set: { state: "CANCELLED" } });
    const nothing = await run("cancel", ...named, "--yes");
    expect([nothing.code, nothing.stderr]).to.satisfy(
      ([code, words]: [number, string]) =>
        code === 2 && words.includes("no campaign of series weekly waits for its start"),
    );
  });

  it("says what it does not take", async () => {
    const wrong: [string[], RegExp][] = [
      [every("x").filter((arg) => !["--zone", "Asia/Seoul"].includes(arg)), /--zone/],
      [every("x").map((arg) => (arg === "start+2h" ? "+2h" : arg)), /--end counts from each start/],
      [every("x", "--request-id", "r"), /--request-id is of one campaign/],
      [
        every("x").map((arg) => (arg === "0 10 * * *" ? "* * * * *" : arg)),
        /more than 100 occurrences before --until; give --until \d{4}-/,
      ],
      [every("x").map((arg) => (arg === "0 10 * * *" ? "0 0 31 2 *" : arg)), /is not an expression of cron/],
      [
        ["create", "--name", "x", "--total", "1", "--start", "+1h", "--until", "+2h"],
        /--until is of --every/,
      ],
      [["cancel"], /campaign/],
    ];
    for (const [args, words] of wrong) {
      const { code, stderr } = await run(...args);
      expect(code, args.join(" ")).to.equal(2);
      expect(stderr).to.match(words);
    }
  });
});
