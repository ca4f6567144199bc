import { expect } from "chai";
import { createServerClock } from "../../../client/server-clock.ts";
import { until } from "../../../local/poll.ts";
import { createApi, createOperatorTransport } from "../../../web/console/session/api.ts";
import { openSession } from "../../../web/console/session/open-session.ts";
import { createSession } from "../../../web/console/session/session.tsx";
import { onSignedOut } from "../../../web/console/views/kept.ts";
import { createVerifyJob } from "../../../web/console/views/verify/verify-job.ts";
import { watchCampaign } from "../../../web/console/watch/watch-campaign.ts";
import { HANG_MS } from "../../support/patience.ts";
import { campaign, campaignId, type StandIn, startStandIn } from "../../support/stand-in.ts";

describe("console: streams", () => {
  let service: StandIn;
  before(async () => {
    service = await startStandIn({
      campaigns: {
        listCampaigns: () => ({}),
        getCampaign: () => ({ campaign: campaign() }),
        async *watchCampaign(_, { signal }) {
          yield { campaign: campaign() };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
        async *verifyCampaign() {
          yield { message: { case: "report" as const, value: { issued: 0 } } };
        },
      },
    });
  });
  after(() => service.close());

  it("have no deadline, which every other call has", async () => {
    const serverClock = createServerClock();
    const api = createApi(
      createOperatorTransport({
        ...{ baseUrl: service.url, credential: "c", serverClock },
        onUnauthenticated() {},
      }),
    );
    await api.getCampaign({ campaignId });
    await createVerifyJob(api, campaignId, async () => {}).start();
    const watch = watchCampaign(campaignId, { api, serverClock });
    expect(await until(() => watch.state.get().message !== undefined, HANG_MS)).to.equal(true);
    expect(watch.state.get().samples.map(({ isFirst }) => isFirst)).to.deep.equal([true]);
    watch.close();
    const deadlines = service.requests.map(({ url, headers }) => [
      url?.split("/").at(-1),
      headers["connect-timeout-ms"] !== undefined,
    ]);
    expect(deadlines).to.deep.equal([
      ["GetCampaign", true],
      ["VerifyCampaign", false],
      ["WatchCampaign", false],
    ]);
  });

  it("end with the session of their operator, and not before", async () => {
    const session = createSession(service.url, async () => ({ openSession, Pages: () => null as never }));
    const ended: string[] = [];
    const signIn = async (name: string) => {
      await session.signIn(name);
      const state = session.state.get();
      if (!state.signedIn) throw new Error("not signed in");
      onSignedOut(session, state.api, () => void ended.push(name));
    };
    await signIn("first");
    expect(ended).to.deep.equal([]);
    await signIn("second");
    expect(ended, "another operator").to.deep.equal(["first"]);
    session.signOut();
    session.signOut();
    expect(ended).to.deep.equal(["first", "second"]);
  });
});
