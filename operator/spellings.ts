/**
 * User and request ids are compared exactly, as their caller wrote them. An operator often enters another
 * text: pasted text may have extra spaces, and a Mac may write Hangul as single letters (NFD). So a key that
 * is not found as given is looked up in other spellings.
 */

/**
 * The key as given first; then without the spaces around it, without any, and each in both Unicode forms: at
 * most nine, mostly one.
 */
export function spellingsOf(given: string): string[] {
  const shapes = [given, given.trim(), given.replace(/\s+/gu, "")];
  const spellings = shapes.flatMap((shape) => [shape, shape.normalize("NFC"), shape.normalize("NFD")]);
  return [...new Set(spellings)].filter((spelling) => spelling !== "");
}

/** The first spelling that is found. @throws the error of the key as given, or what stops the search */
export async function firstSpelling<T>(
  given: string,
  isNotFound: (error: unknown) => boolean,
  look: (spelling: string) => Promise<T>,
): Promise<{ readonly answer: T; readonly spelling: string }> {
  let notFound: unknown;
  for (const spelling of spellingsOf(given)) {
    try {
      return { answer: await look(spelling), spelling };
    } catch (error) {
      // The other spellings are guesses: if one of them is refused as invalid, the given key was still not
      // found.
      if (notFound === undefined && !isNotFound(error)) throw error;
      if (notFound !== undefined && !isNotFound(error)) throw notFound;
      notFound ??= error;
    }
  }
  throw notFound;
}

/** In words: two texts can look the same. */
export function spellingDifference(given: string, spelling: string): string {
  const sameForm = given.normalize("NFC") === spelling.normalize("NFC");
  if (sameForm) return "the same text in another Unicode form";
  const spaceless = (text: string): string => text.replace(/\s+/gu, "");
  return spaceless(given) === spaceless(spelling)
    ? "with other spaces"
    : "with other spaces and in another Unicode form";
}
