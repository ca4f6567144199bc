import { expect } from "chai";
import fc from "fast-check";
import { arrange, ENTRY_MAX, type News } from "../../events/arrange.ts";
import { NO_LOG } from "../../events/feed.ts";
import type { CampaignSettings, HistoryDoc, HistoryVerb } from "../../record/documents.ts";
import type { LogHead } from "../../record/event-documents.ts";
import type { IssuedPlace } from "../../record/issuances.ts";

const HEAD: LogHead = { ...NO_LOG, total: 5 };
const settings = { name: "launch", startsAt: new Date(0), state: "OPEN" } as const;

/** Changes with their instants; `total` is that after the change. */
type Step = readonly [verb: HistoryVerb, atMs: number, total?: number];

function changesOf(...steps: readonly Step[]): HistoryDoc[] {
  let total = 5;
  return steps.map(([verb, atMs, after = total], revision) => {
    const before: CampaignSettings = { ...settings, total };
    total = after;
    return {
      ...{ _id: `c/${revision}`, campaignId: "c", revision, actor: "", verb, at: new Date(atMs) },
      ...{ before, after: { ...settings, total } },
    };
  });
}

/** Coupons that are issued at these instants, in generation 1 or in the one that is given. */
const couponsOf = (...atMs: readonly number[]): IssuedPlace[] =>
  atMs.map((at, i) => ({ generation: 1, seq: i + 1, issuedAt: new Date(at) }));

const LIFE = changesOf(["create", 0], ["schedule", 1], ["open", 10]);
const rest = { isAll: true, isAtRest: true } as const;

/** The order of the log in words: verbs, and how many coupons. */
function told(news: Partial<News>, head = HEAD): string {
  const arranged = arrange(head, { changes: [], issued: [], ...rest, ...news });
  return arranged
    .map((entry) => {
      if (entry.kind !== "changes")
        return String(entry.runs.reduce((n, { first, last }) => n + last - first + 1, 0));
      const revisions = news.changes?.filter(
        ({ revision }) => revision >= entry.from && revision <= entry.to,
      );
      return (revisions ?? []).map(({ verb }) => verb).join("+");
    })
    .join(" ");
}

describe("the order of the event log", () => {
  it("it opens before its first coupon, whatever the two clocks say", () => {
    expect(told({ changes: LIFE, issued: couponsOf(10, 11) })).to.equal("create+schedule+open 2");
    expect(told({ changes: LIFE, issued: couponsOf(2, 3) })).to.equal("create+schedule+open 2");
    expect(told({ changes: LIFE })).to.equal("create+schedule+open");
  });

  it("it is sold out after its last coupon and ends after all of them, whatever the clocks say", () => {
    const changes = changesOf(["open", 10], ["sell-out", 12], ["end", 13]);
    expect(told({ changes, issued: couponsOf(10, 11, 20, 21, 22) })).to.equal("open 5 sell-out+end");
    const cancelled = changesOf(["open", 10], ["cancel", 12]);
    expect(told({ changes: cancelled, issued: couponsOf(10, 11, 20) })).to.equal("open 3 cancel");
  });

  it("pauses and other changes are where their instants put them", () => {
    const changes = changesOf(["open", 10], ["pause", 12], ["resume", 30], ["edit", 31]);
    expect(told({ changes, issued: couponsOf(10, 11, 30, 40) })).to.equal("open 2 pause+resume 1 edit 1");
  });

  it("coupons beyond a total come after their addition", () => {
    const changes = changesOf(
      ["open", 10],
      ["sell-out", 90],
      ["add", 91],
      ["added", 99, 7],
      ["sell-out", 100],
    );
    const issued = couponsOf(10, 11, 12, 13, 14, 15, 16);
    expect(told({ changes, issued })).to.equal("open 5 sell-out+add+added 2 sell-out");
  });

  it("what closes a campaign waits for claims under way, and for coupons that are not read yet", () => {
    const changes = changesOf(["open", 10], ["pause", 12], ["resume", 13]);
    const issued = couponsOf(10, 11);
    expect(told({ changes, issued, isAtRest: false })).to.equal("open 2");
    expect(told({ changes, issued, isAll: false })).to.equal("open 2");
    expect(told({ changes: changesOf(["edit", 50]), issued, isAtRest: false })).to.equal("2 edit");
    const sold = changesOf(["open", 10], ["sell-out", 12], ["end", 13]);
    const all = couponsOf(10, 11, 12, 13, 14);
    expect(told({ changes: sold, issued: all, isAtRest: false })).to.equal("open 5 sell-out");
  });

  it("an entry names consecutive places as runs, and has a bounded number", () => {
    const places = [1, 2, 4, 5, 6].map((seq) => ({ generation: 1, seq, issuedAt: new Date(0) }));
    const later = { generation: 3, seq: 7, issuedAt: new Date(0) };
    const [entry] = arrange(HEAD, { changes: [], issued: [...places, later], ...rest });
    expect(entry).to.deep.equal({
      kind: "issued",
      runs: [
        { generation: 1, first: 1, last: 2 },
        { generation: 1, first: 4, last: 6 },
        { generation: 3, first: 7, last: 7 },
      ],
      head: { revision: -1, generation: 3, seq: 7, issued: 6, total: 5 },
    });
    const many = couponsOf(...Array.from({ length: ENTRY_MAX * 2 + 1 }, () => 0));
    expect(told({ issued: many })).to.equal(`${ENTRY_MAX} ${ENTRY_MAX} 1`);
    expect(told({ changes: changesOf(["edit", 5]), issued: many })).to.equal(
      `${ENTRY_MAX} ${ENTRY_MAX} 1 edit`,
    );
  });

  it("in rounds of any size, each change and each coupon comes once and in order", () => {
    const stepArb = fc.tuple(
      fc.constantFrom<HistoryVerb>("edit", "pause", "resume", "open", "add"),
      fc.nat(40),
    );
    const timesArb = fc.array(fc.nat(40), { maxLength: 20 }).map((times) => times.sort((a, b) => a - b));
    fc.assert(
      fc.property(
        fc.array(stepArb, { maxLength: 6 }),
        timesArb,
        fc.array(fc.nat(7)),
        (steps, times, sizes) => {
          const changes = changesOf(...steps);
          const issued = couponsOf(...times);
          let head: LogHead = HEAD;
          const revisions: number[] = [];
          const seqs: number[] = [];
          for (const size of [...sizes, 100, 100]) {
            const left = issued.filter(({ seq }) => seq > head.seq);
            const page = left.slice(0, size);
            const isAll = page.length === left.length;
            const news = {
              changes: changes.filter(({ revision }) => revision > head.revision),
              issued: page,
            };
            for (const entry of arrange(head, { ...news, isAll, isAtRest: isAll && size === 100 })) {
              if (entry.kind === "changes")
                for (let revision = entry.from; revision <= entry.to; revision++) revisions.push(revision);
              else
                for (const { first, last } of entry.runs)
                  for (let seq = first; seq <= last; seq++) seqs.push(seq);
              head = entry.head;
            }
          }
          expect(revisions).to.deep.equal(changes.map(({ revision }) => revision));
          expect(seqs).to.deep.equal(issued.map(({ seq }) => seq));
          expect(head).to.include({
            revision: changes.length - 1,
            seq: issued.length,
            issued: issued.length,
          });
        },
      ),
    );
  });
});
