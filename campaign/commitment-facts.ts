import type { Commitment } from "../proof/statements.ts";
import type { CommitmentDoc } from "../record/commitment-documents.ts";
import { bufferOf } from "../record/commitments.ts";

/** The commitments of a campaign as they are told: numbered from 1, the first codes first. */
export function commitmentsOf(docs: readonly CommitmentDoc[]): Commitment[] {
  return docs.map(({ first, size, root, at }, index) => ({
    ...{ number: index + 1, first, size, root: bufferOf(root), madeAtMs: at.getTime() },
  }));
}
