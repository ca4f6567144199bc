import type { HistoryEntry } from "../../../audit/history.ts";
import type { Ground } from "./ground.ts";
import type { Evidence } from "./judge.ts";
import type { Arrangement, ServerHost } from "./server-host.ts";

/** A sale under one fault of the network, of clocks, or of processes. */
export type Round = {
  readonly name: string;
  /** Part of `--quick`. */
  readonly quick?: boolean;
  /** From the start until about all coupons are gone, if the callers come at their rate; in ms. */
  readonly saleMs: number;
  /** How hosts differ in this round. */
  readonly arrange?: (ground: Ground) => Promise<{ readonly [host in ServerHost]?: Partial<Arrangement> }>;
  /** Nobody outside may notice: a request that fails is wrong. */
  readonly failsNone?: true;
  /** Runs beside the callers, from the creation of the campaign on. */
  readonly act: (stage: Stage) => Promise<void>;
  /** What the callers' history shows of the fault. */
  readonly met?: (history: readonly HistoryEntry[]) => readonly Evidence[];
};

/** The means by which a round does its fault at its moment. */
export type Stage = {
  readonly ground: Ground;
  readonly campaignId: string;
  /** Waits until start + offset. */
  untilStart(offsetMs: number): Promise<void>;
  /** From now on these servers should answer again: the time that each takes is the recovery. */
  faultOver(who: readonly ServerHost[]): void;
  /** Coupons that are on record by now. */
  issuedSoFar(): Promise<number>;
  prove(what: string, value: number, least?: number): void;
};
