import { expect } from "chai";
import { serverNowMs, withBreak, withMessage } from "../../../cli/console/model.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { startMs } from "../../support/stand-in.ts";
import { empty, message, modelAfter, told } from "./shown-model.ts";

const { SCHEDULED, OPEN } = CampaignState;
const broken = { why: "unavailable", again: "again in 0.2 s" };

describe("console model", () => {
  const texts = (model: { readonly events: readonly { readonly text: string }[] }) =>
    model.events.map(({ text }) => text);

  it("keeps the rates but that of the first message, which has none yet", () => {
    const rates = [0, 900, 1_100, 300].map((issuedPerSecond) => message({ message: { issuedPerSecond } }));
    const model = modelAfter(...rates);
    expect(model.rates).to.deep.equal([900, 1_100, 300]);
    expect(model.peakRate).to.equal(1_100);
  });

  it("the server's clock goes on between two messages, by this machine's steady clock", () => {
    const model = withMessage(empty, message({ sinceStartMs: -5_000 }), 77_000);
    expect(serverNowMs(model, 77_000)).to.equal(startMs - 5_000);
    expect(serverNowMs(model, 79_500)).to.equal(startMs - 2_500);
  });

  it("a row of breaks is one event, and none before the first message", () => {
    const lost = withBreak(modelAfter(message()), broken, 1_000);
    expect(texts(withBreak(lost, { ...broken, again: "again in 1.0 s" }, 2_000))).to.deep.equal([
      "connection lost: unavailable",
    ]);
    expect(texts(withBreak(empty, broken, 0))).to.deep.equal([]);
  });

  it("says what became of the campaign meanwhile", () => {
    const lost = withBreak(modelAfter(message({ campaign: { state: SCHEDULED } })), broken, 0);
    const back = withMessage(lost, message({ campaign: { state: OPEN } }), 3_000);
    expect(back.broken).to.equal(undefined);
    expect(texts(back).at(-1)).to.equal("connected again; meanwhile SCHEDULED → OPEN");
    // The server sends the change as an event, with its instant.
    const opened = { ...told(1_000, "SCHEDULED → OPEN"), revision: 2, fromState: SCHEDULED, toState: OPEN };
    const telling = { campaign: { state: OPEN }, message: { events: [opened], revision: 2 } };
    expect(texts(withMessage(lost, message(telling), 3_000)).slice(-2)).to.deep.equal([
      "connected again",
      "SCHEDULED → OPEN",
    ]);
    const same = withMessage(lost, message({ campaign: { state: SCHEDULED } }), 3_000);
    expect(texts(same).at(-1)).to.equal("connected again");
  });

  it("the first message of a new stream has no rate, and tells nothing twice", () => {
    const at = (sinceStartMs: number) => [told(sinceStartMs, "seoul-1/4712 (server) is silent")];
    const first = modelAfter(
      message({ message: { events: at(0) } }),
      message({ message: { issuedPerSecond: 5 } }),
    );
    const back = withMessage(
      withBreak(first, broken, 0),
      message({ message: { events: at(9_000), issuedPerSecond: 99 } }),
      1,
    );
    expect(texts(back)).to.deep.equal([
      "seoul-1/4712 (server) is silent",
      "connection lost: unavailable",
      "connected again",
    ]);
    // While connected, an event that happens twice is shown twice.
    expect(texts(withMessage(back, message({ message: { events: at(20_000) } }), 2)).at(-1)).to.match(
      /silent/,
    );
    expect(back.rates).to.deep.equal([5]);
    expect(back.peakRate).to.equal(5);
  });

  it("a stream that goes on after a revision tells each change once, also one that reads as an earlier one", () => {
    const opened = (revision: number) => ({ ...told(revision, "SOLD_OUT → OPEN"), revision, toState: OPEN });
    const first = modelAfter(message({ message: { events: [opened(5)], revision: 5 } }));
    expect(first.revision).to.equal(5);
    const back = withMessage(
      withBreak(first, broken, 0),
      message({ message: { events: [opened(7)], revision: 7 } }),
      1,
    );
    expect(texts(back).filter((text) => text === "SOLD_OUT → OPEN")).to.have.length(2);
    expect(back.revision).to.equal(7);
  });

  it("is bounded, however long it is looked at", () => {
    let model = empty;
    for (let i = 0; i < 1_000; i++)
      model = withMessage(model, message({ message: { events: [told(i, `event ${i}`)] } }), i);
    expect(model.rates.length).to.equal(500);
    expect(texts(model)).to.have.length(200).and.include("event 999").and.not.include("event 799");
  });
});
