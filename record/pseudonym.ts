/**
 * Begins each pseudonym: what the service keeps of an erased user id or request id. No user id and no request
 * id has it, because control characters are refused in both.
 */
export const PSEUDONYM_MARK = "\u001e";

/** Whether a claim key or a user id is one of an erased user. */
export function isPseudonym(key: string): boolean {
  return key.startsWith(PSEUDONYM_MARK);
}

/** A user id or request id as operators and receivers of events see it. */
export function shownId(id: string): string {
  return isPseudonym(id) ? `erased:${id.slice(PSEUDONYM_MARK.length)}` : id;
}
