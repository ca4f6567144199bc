import type { LoggedPlaces, LoggedRun } from "./event-log.ts";
import type { Findings, Named } from "./verdict.ts";

type Place = { readonly generation: number; readonly seq: number };

/** The places of an event log beside the issuances, which come in issue order. */
export type PlaceSweep = {
  /** The next issuance. False: the log, which has come further, does not have it. */
  has(place: Place): boolean;
  /** There are no more. */
  end(): void;
};

/** Reports places that are logged twice, and logged ones without an issuance. `head`: how far the log is. */
export function createPlaceSweep(places: LoggedPlaces, head: Place, findings: Findings): PlaceSweep {
  const runs = partsOnce(places, findings);
  let run: (LoggedRun & { readonly entry: number }) | undefined = runs.next().value ?? undefined;
  /** The first place of the run that no issuance has come for. */
  let due = run?.first ?? 0;

  function lack(to: number): void {
    if (run === undefined || due > to) return;
    findings.violation(
      "logged, not issued",
      placesNamed({ ...run, first: due, last: to }),
      ` ${due === to ? "is" : "are"} in entry ${run.entry} of the event log and MongoDB has no such issuance: readers wait there; restore it from a backup`,
    );
  }

  function finish(): void {
    lack(run?.last ?? 0);
    run = runs.next().value ?? undefined;
    due = run?.first ?? 0;
  }

  return {
    has({ generation, seq }) {
      // Of a wrong shape: its own check says so.
      if (!Number.isSafeInteger(generation) || !Number.isSafeInteger(seq)) return true;
      while (
        run !== undefined &&
        isBefore({ generation: run.generation, seq: run.last }, { generation, seq })
      )
        finish();
      if (run !== undefined && run.generation === generation && run.first <= seq) {
        lack(seq - 1);
        due = Math.max(due, seq + 1);
        return true;
      }
      return isBefore(head, { generation, seq });
    },
    end() {
      while (run !== undefined) finish();
    },
  };
}

/** The runs in issue order, each without what an earlier one has, which is reported. */
function* partsOnce(places: LoggedPlaces, findings: Findings) {
  let before: { generation: number; last: number; entry: number } | undefined;
  for (const run of places.sorted()) {
    const { generation, first, last, entry } = run;
    if (before?.generation !== generation || before.last < first) {
      yield run;
      before = run;
      continue;
    }
    const twice = { generation, first, last: Math.min(last, before.last) };
    const [one, other] = [before.entry, entry].sort((a, b) => a - b);
    findings.violation(
      "logged twice",
      placesNamed(twice),
      ` ${twice.first === twice.last ? "is" : "are"} in the event log twice, in entries ${one} and ${other}: receivers get a coupon under two ids and have to tell it by its code`,
    );
    if (last <= before.last) continue;
    yield { ...run, first: before.last + 1 };
    before = run;
  }
}

function placesNamed({ generation, first, last }: LoggedRun): Named {
  const name =
    first === last
      ? `the issuance ${generation}-${first}`
      : `the issuances ${generation}-${first} to ${generation}-${last}`;
  return { name, generation, seq: first };
}

function isBefore(one: Place, other: Place): boolean {
  return one.generation < other.generation || (one.generation === other.generation && one.seq < other.seq);
}
