import { text, type Valid, valid } from "../../campaign/valid.ts";

const SERIES_ID_MAX = 64;

/** The series that a request names; undefined: none. */
export function validSeriesId(value: string): Valid<string | undefined> {
  return value === "" ? valid(undefined) : text("series_id", value, SERIES_ID_MAX);
}
