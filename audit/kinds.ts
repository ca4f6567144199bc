import { checkBalance, checkLedger, checkNeverMore, checkNothingStranded } from "./check-books.ts";
import { checkErasedUsers, ERASED_USERS } from "./check-erased.ts";
import { checkEventLog } from "./check-events.ts";
import { checkIssueOrder } from "./check-order.ts";
import { checkAcknowledged, checkOneOwner, checkSameCoupon } from "./check-owners.ts";
import {
  checkConfirmedOnRecord,
  checkRedeemedAtMost,
  checkReserved,
  checkWithinValidity,
} from "./check-redemptions.ts";
import { checkNeverEarly, checkSoldOut } from "./check-times.ts";
import type { Check, Facts } from "./facts.ts";
import { type Findings, type Invariant, NOTHING_UNDER_WAY } from "./verdict.ts";

type MakeCheck = (facts: Facts, findings: Findings) => Check;
/** A check of one invariant, and the data it needs: the stores, the callers' histories, or one of them. */
export type Kind = {
  readonly invariant: Invariant;
  readonly title?: string;
  readonly make: MakeCheck;
  readonly of: "stores" | "histories" | "both";
  readonly inside?: boolean;
};

export const KINDS: readonly Kind[] = [
  { invariant: "U1", make: checkOneOwner, of: "both" },
  { invariant: "U2", make: checkAcknowledged, of: "histories" },
  { invariant: "U3", make: checkNeverMore, of: "both" },
  { invariant: "U4", make: checkSameCoupon, of: "both" },
  { invariant: "U4", title: ERASED_USERS, make: checkErasedUsers, of: "stores", inside: true },
  { invariant: "U5", make: checkBalance, of: "stores", inside: true },
  { invariant: "U5", title: NOTHING_UNDER_WAY, make: checkLedger, of: "stores", inside: true },
  { invariant: "U6", make: checkNothingStranded, of: "histories" },
  { invariant: "U7", make: checkSoldOut, of: "histories" },
  { invariant: "U8", make: checkNeverEarly, of: "both" },
  { invariant: "U10", make: checkIssueOrder, of: "both" },
  { invariant: "U14", make: checkEventLog, of: "stores", inside: true },
  { invariant: "R1", make: checkRedeemedAtMost, of: "stores", inside: true },
  { invariant: "R2", make: checkConfirmedOnRecord, of: "histories", inside: true },
  { invariant: "R3", make: checkReserved, of: "stores", inside: true },
  { invariant: "R4", make: checkWithinValidity, of: "stores", inside: true },
];
