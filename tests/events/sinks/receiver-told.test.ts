import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { fencesOf } from "../../../checks/markdown.mjs";
import { createEventSinks } from "../../../events/sinks/event-sinks.ts";
import { newWebhookSecret } from "../../../events/sinks/webhook-secrets.ts";
import { endChild, inheritedEnvironment, spawnKept } from "../../../local/child.ts";
import { freePort } from "../../../local/free-port.ts";
import { until } from "../../../local/poll.ts";
import { repositoryDir } from "../../../local/repository.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { couponEvents, openedEvent } from "../../support/cloud-events.ts";
import { HANG_MS } from "../../support/patience.ts";

it("the receiver of docs/events.md takes what is signed with its secret, each event once", async () => {
  const page = readFileSync(join(repositoryDir, "docs", "events.md"), "utf8");
  const [code = ""] = fencesOf(page).flatMap(({ language, text }) => (language === "js" ? [text] : []));
  const [port, secret, campaignId] = [await freePort(), newWebhookSecret(), "01J0000000000000000000000A"];
  const child = spawnKept(process.execPath, ["--input-type=module", "-e", code], {
    cwd: repositoryDir,
    env: { ...inheritedEnvironment(), PORT: String(port), WEBHOOK_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const events = [openedEvent(campaignId), ...couponEvents(campaignId, 2)];
  const url = `http://127.0.0.1:${port}/`;
  const sinks = createEventSinks({ allow: ["loopback"], clock: systemClock });
  const send = async (signedWith: string, batched: boolean) => {
    const settings = { kind: "webhook", url, secrets: [{ secret: signedWith }] } as const;
    const sink = sinks.open({ ...settings, secrets: [...settings.secrets], ...(batched ? { batched } : {}) });
    await sink.deliver(events, new AbortController().signal).finally(() => sink.close());
  };
  try {
    const isServing = () =>
      fetch(url).then(
        ({ status }) => status === 401,
        () => false,
      );
    expect(await until(isServing, HANG_MS)).to.equal(true);
    await send(secret, false);
    await send(secret, true);
    const forged = await send(newWebhookSecret(), false).catch((error: Error) => error.message);
    expect(forged).to.equal("the receiver answered 401");
    const lines = [
      "campaign.opened revisions/2",
      "coupon.issued issuances/1-1",
      "coupon.issued issuances/1-2",
    ];
    expect(await until(() => said.split("\n").length > lines.length, HANG_MS)).to.equal(true);
    expect(said.trim().split("\n")).to.deep.equal(lines);
  } finally {
    await endChild(child, HANG_MS);
  }
});
