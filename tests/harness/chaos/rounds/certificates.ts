import { isDeepStrictEqual } from "node:util";
import type { Binary } from "mongodb";
import { connectClients } from "../../../../bench/load/connect-client.ts";
import { statementLines } from "../../../../cli/proof-file.ts";
import { until } from "../../../../local/poll.ts";
import { makeSigningKey } from "../../../../proof/signing-key.ts";
import { nodeTools } from "../../../../verifier/node-tools.mjs";
import { verifyFile } from "../../../../verifier/verify.mjs";
import { OPERATOR_TOKEN } from "../ground/ground.ts";
import type { Server } from "../ground/server.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { type Campaigns, operate } from "./operating.ts";
import { MOMENT_MS } from "./proofs.ts";

const { pem, publicKey } = makeSigningKey();
/** Nine chunks of codes, which are inserted four at a time; and two chunks of issuances. */
const [TOTAL, USERS] = [9_000, 1_100];
const CERTIFIED_WITHIN_MS = 60_000;

type Written = { _id: string; hashes?: Binary; entries?: Binary; root?: Binary; statement?: string };

/** What is durable in a collection, by id, as text. */
async function written({ ground, campaignId }: Sale, collection: string): Promise<Map<string, string>> {
  const range = { $gte: `${campaignId}/`, $lt: `${campaignId}0` };
  const docs = await ground.db.collection<Written>(collection).find({ _id: range }).toArray();
  return new Map(docs.map(({ _id, ...rest }) => [_id, JSON.stringify(rest)]));
}

/** A finding for each document that was there at the kill, and is another one now or is gone. */
async function expectKept(sale: Sale, collection: string, before: ReadonlyMap<string, string>) {
  const now = await written(sale, collection);
  for (const [id, text] of before)
    if (now.get(id) !== text) sale.found("PROOF", `${collection} ${id} was changed after the kill`);
}

/** The lines of the certificate as a server streams it. */
async function certify(campaigns: Campaigns, campaignId: string): Promise<string[]> {
  let text = "";
  for await (const { statement, lines } of campaigns.certifyCampaign({ campaignId }))
    text += `${statement === undefined ? "" : `${statementLines(statement).join("\n")}\n`}${lines}`;
  return text.trimEnd().split("\n");
}

/** Asks until it has one: claims may still be under way. */
async function certificateBy(server: Server, { campaignId }: Sale): Promise<string[]> {
  let last: unknown = "no answer";
  let lines: string[] = [];
  const asked = async () => {
    lines = await operate(server, (campaigns) => certify(campaigns, campaignId)).catch((error: unknown) => {
      last = error;
      return [];
    });
    return lines.length > 0;
  };
  if (!(await until(asked, CERTIFIED_WITHIN_MS, 50))) throw new Error(`no certificate: ${String(last)}`);
  return lines;
}

/** The signed commitments of the campaign, as anyone saves them. */
async function commitments(server: Server, { campaignId }: Sale): Promise<string[]> {
  const clients = connectClients(server.url, OPERATOR_TOKEN);
  try {
    return (await clients.coupons.getCampaignCommitment({ campaignId })).signed.flatMap(statementLines);
  } finally {
    clients.close();
  }
}

/**
 * An operator asks the first server for the certificate, which is killed when this write of it is durable and
 * the server does not know. Returns what is durable then.
 */
async function certifyAndKill(sale: Sale, collection: string): Promise<Map<string, string>> {
  const server = sale.server(0);
  const trap = server.mongodb.trap({ at: "reply", kind: `insert ${collection}`, deed: "hold" });
  const isCaught = () => trap.caught > 0;
  // Claims may still be under way: then it asks again.
  void until(
    () => operate(server, (campaigns) => certify(campaigns, sale.campaignId)).then(() => true, isCaught),
    MOMENT_MS,
    50,
  );
  await trap.sprung(MOMENT_MS);
  await server.kill();
  sale.faultOver();
  const durable = await written(sale, collection);
  await server.start();
  return durable;
}

async function expectAccepted(sale: Sale, lines: readonly string[], saved: readonly string[]) {
  async function* bytes() {
    yield Buffer.from(`${lines.join("\n")}\n`);
  }
  const { findings } = await verifyFile(bytes(), nodeTools, { publicKey, commitment: saved });
  for (const { level, text } of findings) if (level !== "holds") sale.found("PROOF", `the verifier: ${text}`);
}

/** Kills while a campaign is committed to its codes, and while its certificate is made. */
export const certificateRounds: readonly Round[] = [
  {
    // The generator is killed after some of the chunks of the commitment; the server that certifies after the
    // chunks of the certificate, and again when it has signed it. Nothing that was durable is made anew, and
    // both servers give the same certificate, which the verifier accepts.
    name: "kill-while-committing-and-certifying",
    forms: ["single"],
    ground: { roles: ["server,scheduler", "server,scheduler", "generator"], env: { CERTIFICATE_KEY: pem } },
    sale: { total: TOTAL, users: USERS, overMs: 4_000, leadMs: 2_000 },
    restStates: ["ENDED"],
    async act(sale) {
      const { campaignId } = sale;
      const generator = sale.server(2);
      const committing = { at: "request", kind: "insert code_hashes", deed: "hold", skip: 1 } as const;
      await generator.mongodb.trap(committing).sprung(MOMENT_MS);
      await sale.untilTrue("some is committed to", async () => (await written(sale, "code_hashes")).size > 0);
      await generator.kill();
      const hashes = await written(sale, "code_hashes");
      sale.prove("chunks_of_codes_at_kill", hashes.size);
      sale.prove("no_commitment_at_kill", (await written(sale, "commitments")).size === 0 ? 1 : 0);
      await generator.start();

      await sale.untilIssued(USERS);
      const saved = await commitments(sale.server(1), sale);
      await expectKept(sale, "code_hashes", hashes);
      await operate(sale.server(1), (campaigns) => campaigns.endCampaign({ campaignId }));

      const chunks = await certifyAndKill(sale, "certified_issuances");
      sale.prove("chunks_of_issuances_at_kill", chunks.size, 2);
      sale.prove("unsigned_at_kill", (await written(sale, "certificates")).size === 0 ? 1 : 0);
      const signed = await certifyAndKill(sale, "certificates");
      sale.prove("signed_at_kill", signed.size);
      const lines = await certificateBy(sale.server(1), sale);
      await expectKept(sale, "certified_issuances", chunks);
      await expectKept(sale, "certificates", signed);
      const again = await certificateBy(sale.server(0), sale);
      if (!isDeepStrictEqual(again, lines)) sale.found("PROOF", "two servers give different certificates");
      await expectAccepted(sale, lines, saved);
      const issued = await sale.ground.db.collection("issuances").countDocuments({ campaignId });
      if (lines.length !== 2 + TOTAL) sale.found("PROOF", `the certificate has ${lines.length} lines`);
      sale.prove("certified", issued, USERS);
      sale.faultOver();
    },
  },
];
