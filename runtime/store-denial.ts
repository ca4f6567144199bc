/**
 * A store answered and refused, because a right or a password is missing; its message names which. The store
 * can be reached: a retry fails too, until an operator grants the right.
 */
export class StoreDenial extends Error {
  override readonly name = "StoreDenial";
}
