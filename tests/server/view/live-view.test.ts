import { expect } from "chai";
import type { CampaignDoc } from "../../../record/documents.ts";
import { createLiveView } from "../../../server/view/live-view.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { testBreakers } from "../../support/test-breakers.ts";

const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

describe("live view", () => {
  function looking() {
    const clock = fakeClock();
    const recorded = { revision: 3, asked: 0, answer: Promise.resolve() };
    const liveView = createLiveView(
      {
        async find() {
          recorded.asked++;
          const { revision } = recorded;
          await recorded.answer;
          return { _id: id, revision, state: "OPEN", startsAt: new Date(0) } as CampaignDoc;
        },
      },
      { inspect: async () => ({ status: "none" }) as never },
      testBreakers(clock),
      clock,
    );
    const revision = async (least?: number) => (await liveView.look(id, least))?.campaign.revision;
    return { clock, recorded, liveView, revision };
  }

  it("all who look within a tenth of a second share one question", async () => {
    const { clock, recorded, revision } = looking();
    expect(await Promise.all([revision(), revision(3), revision(0)])).to.deep.equal([3, 3, 3]);
    recorded.revision = 4;
    clock.pass(99);
    expect(await revision(3)).to.equal(3);
    expect(recorded.asked).to.equal(1);
  });

  it("who was told of a later revision is shown none that is older from memory, nor from a question that was under way", async () => {
    const { recorded, revision } = looking();
    expect(await revision()).to.equal(3);
    recorded.revision = 5;
    expect(await revision(5)).to.equal(5);
    expect(recorded.asked).to.equal(2);

    let go = (): void => undefined;
    recorded.answer = new Promise((resolve) => {
      go = resolve;
    });
    const { clock, ...other } = looking();
    other.recorded.answer = recorded.answer;
    const before = other.revision();
    other.recorded.revision = 4;
    const after = other.revision(4);
    go();
    expect(await before).to.equal(3);
    expect(await after).to.equal(4);
    expect(clock.elapsed()).to.equal(0);
  });

  it("a revision that there is not is asked for once: what MongoDB says then is shown", async () => {
    const { recorded, revision } = looking();
    expect(await revision()).to.equal(3);
    expect(await revision(9)).to.equal(3);
    expect(recorded.asked).to.equal(2);
  });

  it("at no revision at all, nothing is shown from memory", async () => {
    const { recorded, revision } = looking();
    expect(await revision()).to.equal(3);
    expect(await revision(Number.POSITIVE_INFINITY)).to.equal(3);
    expect(recorded.asked).to.equal(2);
  });
});
