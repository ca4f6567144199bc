/**
 * A store answers, and refuses for want of a right or a password, which its message names. It is not away:
 * asking again changes nothing until somebody grants it.
 */
export class StoreDenial extends Error {
  override readonly name = "StoreDenial";
}
