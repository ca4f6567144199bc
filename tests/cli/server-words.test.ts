import { expect } from "chai";
import { flagOfField, inFlags, noticeLines, withInstants } from "../../cli/server-words.ts";
import { commands } from "../../cli/vocabulary.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";

const zone = "Asia/Seoul";

/**
 * Fields that the command sets by itself, or only to true or false: an operator cannot mistype them.
 */
const notTyped = [
  "all",
  "all_types",
  "batched",
  "from_beginning",
  "from_now",
  "no_overlap",
  "no_thresholds",
  "paused",
  "batch_size",
  "dry_run",
  "first_row",
  "include_rehearsals",
  "keep_on",
  "lifetime_ms",
  "one_per_user",
  "cancel_reservations",
  "receipt",
  "redemption",
  "view",
];

describe("cli: what the service says, in the operator's words", () => {
  it("has a name for every field that an operator fills in", () => {
    const fields = [CampaignService, CouponService, EventService, RedemptionService]
      .flatMap(({ methods }) => methods)
      .flatMap(({ input }) => input.fields.map(({ name }) => name))
      .filter((name) => !notTyped.includes(name));
    expect(new Set(fields).size).to.be.greaterThan(10);
    const nameless = fields.filter((name) => flagOfField[name] === undefined);
    expect(nameless, "tell cli/server-words.ts which flag fills them in").to.deep.equal([]);
  });

  it("names only flags that a verb has", () => {
    const flags = new Set(
      commands.flatMap(({ options }) => options.map((option) => option.flags.split(" ")[0])),
    );
    const named = Object.values(flagOfField).filter((flag) => flag.startsWith("--"));
    expect(named.filter((flag) => !flags.has(flag))).to.deep.equal([]);
  });

  it("says flags for fields, at the head and within", () => {
    expect(inFlags("count: is 0: must be 1 to 5,000,000")).to.equal("--count: is 0: must be 1 to 5,000,000");
    expect(inFlags("ends_at: must be after starts_at")).to.equal("--end: must be after --start");
    expect(inFlags("name, ends_at, no_end: give at least one")).to.equal(
      "--name, --end, --no-end: give at least one",
    );
    expect(inFlags("name: the name has some_thing")).to.equal("--name: the name has some_thing");
    expect(inFlags("novel_field: why")).to.equal("an argument: novel_field: why");
    expect(inFlags("no field at all")).to.equal("an argument: no field at all");
  });

  it("instants are told on both clocks; what only looks like one is left alone", () => {
    expect(withInstants("at 2026-12-24T11:00:00Z, not later", zone)).to.equal(
      "at 2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = 2026-12-24T11:00:00.000Z, not later",
    );
    expect(withInstants("2026-12-24T11:00:00.000Z", "UTC")).to.equal("2026-12-24T11:00:00.000Z");
    expect(withInstants("2026-99-24T11:00:00Z", zone)).to.equal("2026-99-24T11:00:00Z");
  });

  it("notices are one line each, whatever is in them", () => {
    expect(noticeLines(["ends_at has passed\u001b[31m", "two\nlines"], zone)).to.equal(
      "  note: the end has passed\\u001b[31m\n  note: two\\u000alines\n",
    );
  });
});
