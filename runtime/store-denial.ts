/**
 * A store answered and refused, because a right or a password is missing, or it is set up as it must not be;
 * its message names which. The store can be reached: a retry fails too, until an operator has seen to it.
 */
export class StoreDenial extends Error {
  override readonly name = "StoreDenial";
}
