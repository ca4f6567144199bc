import type { Link } from "./redis-link.ts";

/** A part of Redis that works or fails as a whole: the one server, or the slot of a campaign. */
export type Place = {
  readonly name: string;
  readonly key: string;
  waiting: number;
  /** Since when no answer has come, while commands wait. */
  quietSinceMs: number;
  trouble?: { readonly sinceMs: number; cause: string; told: boolean };
};

/** The places where commands wait, or that are in trouble. */
export type Places = {
  of(used: Pick<Link, "placeOf">, key: string): Place;
  all(): Iterable<Place>;
  inTrouble(): Place[];
  /** Forgets a place where nothing waits and that is not in trouble. */
  leave(place: Place): void;
  /** Commands that are not answered yet, and how many places are in trouble. */
  sizes(): { readonly commands: number; readonly inTrouble: number };
};

export function createPlaces(): Places {
  const places = new Map<string, Place>();
  const inTrouble = () => [...places.values()].filter(({ trouble }) => trouble !== undefined);
  return {
    of(used, key) {
      const name = used.placeOf(key);
      const known = places.get(name);
      if (known !== undefined) return known;
      const place: Place = { name, key, waiting: 0, quietSinceMs: 0 };
      places.set(name, place);
      return place;
    },
    all: () => places.values(),
    inTrouble,
    leave(place) {
      if (place.waiting === 0 && place.trouble === undefined) places.delete(place.name);
    },
    sizes: () => ({
      commands: [...places.values()].reduce((sum, { waiting }) => sum + waiting, 0),
      inTrouble: inTrouble().length,
    }),
  };
}
