import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { RedemptionState } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { documentedScript } from "../support/documented-code.ts";
import { inParallel } from "../support/in-parallel.ts";
import { keySetting } from "../support/operator-key.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

const REDEEMER_KEY = "cpo_the-key-of-a-checkout-that-redeems-012345";
const CODES = 40;

/** Runs the documented script on an order, and kills its own process after so many entries of its journal. */
const RUNNER = `
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { checkout, serviceAt } from "./checkout-saga.mjs";
const { order, urls, authorization, file, killAfter } = JSON.parse(process.argv[2]);
let saved = 0;
const journal = {
  load: () => { try { return JSON.parse(readFileSync(file, "utf8")); } catch { return undefined; } },
  save: (_, state) => {
    writeFileSync(file + ".new", JSON.stringify(state));
    renameSync(file + ".new", file);
    saved += 1;
    if (saved === killAfter) process.kill(process.pid, "SIGKILL");
  },
};
const services = {
  coupons: serviceAt(urls.coupons, authorization),
  payments: serviceAt(urls.shop + "/payments", ""),
  points: serviceAt(urls.shop + "/points", ""),
};
process.stdout.write(await checkout(order, services, journal));
`;

type Order = {
  readonly id: string;
  readonly code: string;
  readonly card: string;
  readonly user: string;
  readonly amount: number;
};

describe("the saga in docs/redemption.md, as it is written", function () {
  this.timeout(HANG_MS);
  const stores = withStores();
  const dir = temporaryDir();
  let services: Services;
  let clients: Clients;
  let shop: Server;
  let urls: { coupons: string; shop: string };
  let codes: string[];
  /** By order, what payments and points have done: a repeated call counts once. */
  let done = new Map<string, Set<string>>();
  /** The next so many calls get no answer although they are carried out. */
  let unanswered = 0;
  let orders = 0;

  before(async () => {
    const { name, role, sha256 } = keySetting("checkout", "redeemer", REDEEMER_KEY);
    services = createServices({ ...stores.env, OPERATOR_KEYS: `${name}:${role}:${sha256}` });
    const { url } = await services.start();
    clients = connectClients(url);
    const script = documentedScript("docs/redemption.md", "checkout-saga.mjs");
    await writeFile(join(dir.path, "checkout-saga.mjs"), script);
    await writeFile(join(dir.path, "runner.mjs"), RUNNER);
    shop = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { key = "", card, user } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
      const deed = (request.url ?? "").split("/").at(-1) ?? "";
      const declines = (deed === "charge" && card === "declined") || (deed === "credit" && user === "banned");
      if (!declines) done.set(key, (done.get(key) ?? new Set()).add(deed));
      if (unanswered > 0) {
        unanswered -= 1;
        return void response.destroy();
      }
      response.writeHead(declines ? 402 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(declines ? { message: "declined" } : {}));
    });
    shop.listen(0, "127.0.0.1");
    await once(shop, "listening");
    urls = {
      coupons: `${url}/coupon.v1.RedemptionService`,
      shop: `http://127.0.0.1:${(shop.address() as AddressInfo).port}`,
    };
    const campaignId = await createOpenCampaign(clients, { total: CODES });
    codes = await inParallel(Array.from({ length: CODES }), 8, async (_, i) => {
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
      return coupon?.code ?? "";
    });
  });
  beforeEach(() => {
    done = new Map();
    unanswered = 0;
  });
  after(async () => {
    shop.close();
    shop.closeAllConnections();
    dir.remove();
    await services.end();
  });

  function anOrder(more: Partial<Order> = {}): Order {
    const id = `${KEY_PREFIX}order-${orders++}`;
    return { id, code: codes.pop() ?? "", card: "good", user: "alice", amount: 30, ...more };
  }

  /** The answer of one run; undefined: it was killed. */
  async function run(order: Order, killAfter = 0): Promise<string | undefined> {
    const file = join(dir.path, `${order.id.split("-").at(-1)}.json`);
    const given = { order, urls, authorization: `Bearer ${REDEEMER_KEY}`, file, killAfter };
    const args = [join(dir.path, "runner.mjs"), JSON.stringify(given)];
    try {
      return (await promisify(execFile)(process.execPath, args)).stdout;
    } catch (error) {
      if ((error as { signal?: string }).signal === "SIGKILL") return undefined;
      throw error;
    }
  }

  async function stateOf({ id, code }: Order): Promise<RedemptionState | undefined> {
    const { redemptions } = await clients.redemptions.getCouponRedemptions({ code });
    return redemptions?.redemptions.find(({ key }) => key === id)?.state;
  }
  const doneFor = ({ id }: Order) => [...(done.get(id) ?? [])];

  it("pays with the coupon, the card and points, each once", async () => {
    const order = anOrder();
    expect(await run(order)).to.equal("paid");
    expect(await stateOf(order)).to.equal(RedemptionState.CONFIRMED);
    expect(await run(order), "run again").to.equal("paid");
    expect(doneFor(order)).to.deep.equal(["charge", "credit"]);
  });

  it("a declined payment gives the coupon back, for another order", async () => {
    const order = anOrder({ card: "declined" });
    expect(await run(order)).to.equal("payment: declined");
    expect(await stateOf(order)).to.equal(RedemptionState.CANCELLED);
    expect(doneFor(order)).to.deep.equal([]);
    expect(await run(anOrder({ code: order.code }))).to.equal("paid");
  });

  it("a coupon that another order has costs nothing", async () => {
    const first = anOrder();
    await run(first);
    const second = anOrder({ code: first.code });
    expect(await run(second)).to.match(/^coupon: this code was redeemed/);
    expect(doneFor(second)).to.deep.equal([]);
  });

  it("a reservation that timed out before it was confirmed undoes everything", async () => {
    const order = anOrder();
    // Killed when coupon, payment and points are done.
    expect(await run(order, 4)).to.equal(undefined);
    const past = new Date(Date.now() - 1_000);
    const redemptions = stores.db.collection<{ _id: string }>("redemptions");
    await redemptions.updateOne({ _id: order.code }, { $set: { "uses.0.until": past } });
    expect(await run(order)).to.match(/^redeem: key: its reservation timed out/);
    expect(doneFor(order)).to.deep.equal(["charge", "credit", "revoke", "refund"]);
  });

  it("calls without an answer are sent again, and count once", async () => {
    unanswered = 3;
    const order = anOrder();
    expect(await run(order)).to.equal("paid");
    expect([unanswered, doneFor(order)]).to.deep.equal([0, ["charge", "credit"]]);
  });

  for (const [what, more, ends, wanted, state] of [
    ["an order that is paid", {}, "paid", ["charge", "credit"], RedemptionState.CONFIRMED],
    [
      ...(["one whose points are refused", { user: "banned" }, "points: declined"] as const),
      ...([["charge", "refund"], RedemptionState.CANCELLED] as const),
    ],
  ] as const)
    it(`killed after each entry of its journal and run again, ${what} ends the same`, async () => {
      let kills = 0;
      for (;;) {
        const order = anOrder(more);
        const isKilled = (await run(order, kills + 1)) === undefined;
        expect(await run(order), `killed after ${kills + 1}`).to.equal(ends);
        expect(doneFor(order)).to.deep.equal(wanted);
        expect(await stateOf(order)).to.equal(state);
        if (!isKilled) break;
        kills += 1;
      }
      expect(kills).to.be.greaterThan(4);
    });
});
