import { counted } from "../runtime/counting.ts";
import type { Change } from "./changes.ts";
import {
  createLoggedPlaces,
  type LogFacts,
  type LoggedEntry,
  type LoggedHead,
  type LogPart,
} from "./event-log.ts";
import type { Check, Facts } from "./facts.ts";
import { judgeLoggedChanges, type LoggedChanges } from "./logged-changes.ts";
import { createPlaceSweep, type PlaceSweep } from "./place-sweep.ts";
import type { Findings } from "./verdict.ts";

type Head = Omit<LoggedHead, "total">;

const NOTHING: Head = { revision: -1, generation: 0, seq: 0, issued: 0 };
const RESTORE = "readers wait there: restore it from a backup";

/**
 * U14: up to its head, the event log has each issuance once, in issue order (but for those that it says are
 * late), and each change of the history once, where the campaign's logic wants it. The log was read before
 * the issuances and the changes, so what it names must be among them. A log is written only for its readers:
 * what is beyond its head is no fault, and neither is that there is none. Runs of places are kept, not
 * places: a million coupons are some thousand runs.
 */
export function checkEventLog(facts: Facts, findings: Findings): Check {
  const { register } = facts;
  const places = createLoggedPlaces();
  const entries: LoggedChanges[] = [];
  const count = { entries: 0, late: 0 };
  const ordered = { to: 0, number: 0 };
  let log: LogFacts = { missing: 0 };
  let made: readonly Change[] | undefined;
  let head = NOTHING;
  let last = 0;
  let sweep: PlaceSweep | undefined;

  /** Where the log has to be after an entry. */
  function after(entry: LoggedEntry): Head {
    if (entry.kind === "changes") {
      entries.push({ ...entry, total: entry.head.total, issued: head.issued, late: count.late });
      return { ...head, revision: entry.to };
    }
    let { generation, seq, issued } = head;
    for (const run of entry.runs) {
      places.add(run, entry.n);
      const size = run.last - run.first + 1;
      issued += size;
      if (entry.kind === "late") {
        count.late += size;
        continue;
      }
      if (run.generation < generation || (run.generation === generation && run.first <= seq))
        findings.violation(
          "backwards",
          { name: `entry ${entry.n} of the event log`, generation: run.generation, seq: run.first },
          ` goes back from ${generation}-${seq} to ${run.generation}-${run.first} and does not say that it is late: receivers have to order coupons by seq`,
        );
      else [generation, seq] = [run.generation, run.last];
    }
    return { ...head, generation, seq, issued };
  }

  function begin(): PlaceSweep {
    sweep ??= createPlaceSweep(places, head, findings);
    return sweep;
  }

  function judgePart(part: LogPart): void {
    const name = `number ${part.number} of the order of all events`;
    const { to, number } = ordered;
    if (part.from > to + 1)
      findings.violation(
        "order lacks",
        `entry ${to + 1} of the event log`,
        ` is not in the order of all events, which has entry ${part.from}: readers of all campaigns miss it; let them read this one (coupon events --campaign ${facts.campaign.id})`,
      );
    if (part.from <= to)
      findings.violation(
        "ordered twice",
        name,
        ` has entry ${part.from} of the event log once more: readers of all campaigns get it twice, and can tell by its id`,
      );
    if (part.number < number)
      findings.violation(
        "order backwards",
        name,
        ` has later entries than number ${number}: readers of all campaigns have to go by their sequence`,
      );
    ordered.to = Math.max(to, part.to);
    ordered.number = part.number;
  }

  function judgeLog({ missing, complete = head }: LogFacts): void {
    if (ordered.to > last)
      findings.violation(
        "order beyond",
        "the order of all events",
        ` names entry ${ordered.to} of the event log, which ends with ${last}: ${RESTORE}`,
      );
    if (missing > 0)
      findings.violation(
        "order gap",
        "the order of all events",
        ` lacks ${counted(missing, "number")} among those of this campaign: ${RESTORE}`,
      );
    if (complete.revision > head.revision || complete.issued > head.issued)
      findings.violation(
        "not complete",
        "the event log",
        ` is recorded as complete with ${inWords({ ...head, ...complete })}, and has come to ${inWords(head)}: ${RESTORE}`,
      );
  }

  return {
    part: judgePart,
    log(found) {
      log = found;
    },
    logged(entry) {
      const name = `entry ${entry.n} of the event log`;
      count.entries += 1;
      if (entry.misfit !== undefined) {
        findings.violation("misfit", name, ` cannot be read (${entry.misfit}): ${RESTORE}`);
        last = entry.n;
        return;
      }
      const isNext = entry.n === last + 1;
      if (!isNext) findings.violation("no entry", `the event log lacks entry ${last + 1}`, `: ${RESTORE}`);
      const { revision, generation, seq, issued } = entry.head;
      const said = { revision, generation, seq, issued };
      const due = after(entry);
      if (isNext && inWords(due) !== inWords(said))
        findings.violation(
          "head",
          name,
          ` says that the log has come to ${inWords(said)}, and it has come to ${inWords(due)}: numbers and stocks in later events are wrong; receivers have to count themselves`,
        );
      head = said;
      last = entry.n;
    },
    issued(code) {
      if (count.entries === 0) return;
      const [generation, seq] = [register.generation.get(code), register.seq.get(code)];
      if (begin().has({ generation, seq })) return;
      findings.violation(
        "not logged",
        register.nameCode(code),
        ` is issued as ${generation}-${seq} and is not in the event log, which has come to ${head.generation}-${head.seq}: the next reader that counts logs it as late (coupon events --campaign ${facts.campaign.id}); verify again after that`,
      );
    },
    changes(found) {
      made = found;
    },
    verdict() {
      judgeLog(log);
      if (count.entries === 0)
        return findings.verdict(0, "there is no event log: no process has read its events");
      begin().end();
      if (made !== undefined) judgeLoggedChanges(entries, { ...head, late: count.late }, made, findings);
      const told = `${counted(head.issued, "coupon")} of ${facts.issued} in ${counted(count.entries, "entry", "entries")}`;
      return findings.verdict(head.issued, `${told}, ${count.late} late`);
    },
  };
}

function inWords({ revision, generation, seq, issued }: Head): string {
  return `revision ${revision}, place ${generation}-${seq} and ${counted(issued, "coupon")}`;
}
