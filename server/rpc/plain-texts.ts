/**
 * Requests in proto3 JSON whose fields are all texts, without the reflection of a general codec: the tests
 * compare with protobuf-es. Source of the mapping: the protobuf language guide, "ProtoJSON format".
 */

/**
 * One member of an object, the brace before the first, and what comes behind: a comma, or the end of the
 * text. White space and unescaped characters are those of RFC 8259, sections 2 and 7; no escapes, as only an
 * escape can make half a surrogate pair or hide a field's name. No part can end where another would go on, so
 * the expression reads each character once.
 */
const MEMBER =
  /(?:^[ \t\r\n]*\{|(?!^))[ \t\r\n]*"(\w+)"[ \t\r\n]*:[ \t\r\n]*"([ !#-[\]-\uffff]*)"[ \t\r\n]*(?:(,)|\}[ \t\r\n]*$)/y;

/** The values in the order of the fields, undefined where one is not given; undefined: an unusual request. */
export type ReadTexts = (json: string) => readonly (string | undefined)[] | undefined;

/**
 * Reads an object of these fields, in either spelling, with plain strings. `fields`: as the contract spells
 * them. What else there is, such as a field that comes twice, the general codec reads. Costs a third of
 * JSON.parse, which also puts each name and short text into V8's table of strings.
 */
export function createReadTexts(fields: readonly string[]): ReadTexts {
  const places = new Map<string | undefined, number>();
  for (const [place, field] of fields.entries()) {
    const camel = field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    places.set(field, place).set(camel, place);
  }
  const none = fields.map(() => undefined);
  return (json) => {
    const values: (string | undefined)[] = none.slice();
    MEMBER.lastIndex = 0;
    for (let more = true; more; ) {
      const member = MEMBER.exec(json);
      if (member === null) return undefined;
      const place = places.get(member[1]);
      if (place === undefined || values[place] !== undefined) return undefined;
      values[place] = member[2];
      more = member[3] !== undefined;
    }
    return values;
  };
}
