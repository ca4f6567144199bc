import type { Agenda } from "./agenda.ts";

/**
 * A program that works on a machine: at most `width` of its tasks at once, in the order in which they came.
 */
export type Program = {
  run(us: number, then: () => void): void;
  /** Microseconds worked so far. */
  readonly busyUs: () => number;
  readonly waiting: () => number;
};

export type Machine = { program(width?: number): Program };

type Task = { readonly us: number; readonly then: () => void };
type Own = { readonly width: number; readonly tasks: Task[]; running: number; busyUs: number };

/**
 * A machine with so many cores, which its programs share. `share`: the part of its time that other work
 * leaves to them.
 */
export function createMachine(agenda: Agenda, cores: number, share = 1): Machine {
  const programs: Own[] = [];
  let free = cores;
  let turn = 0;

  /** The programs take turns, as under a fair scheduler. */
  function work(): void {
    for (let tried = 0; tried < programs.length && free > 0; tried += 1) {
      const program = programs[turn++ % programs.length] as Own;
      if (program.running >= program.width || program.tasks.length === 0) continue;
      const { us, then } = program.tasks.shift() as Task;
      program.running += 1;
      free -= 1;
      tried = -1;
      agenda.after(us / share, () => {
        program.running -= 1;
        program.busyUs += us;
        free += 1;
        then();
        work();
      });
    }
  }

  return {
    program(width = 1) {
      const own: Own = { width, tasks: [], running: 0, busyUs: 0 };
      programs.push(own);
      return {
        run(us, then) {
          own.tasks.push({ us, then });
          work();
        },
        busyUs: () => own.busyUs,
        waiting: () => own.tasks.length,
      };
    },
  };
}
