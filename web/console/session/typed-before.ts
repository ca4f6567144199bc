import { createStore } from "./store.ts";

/** The name that the operator gives with changes. Kept until the operator signs out. */
export const actorStore = createStore("");

/** The zone in which the operator last typed an instant; undefined: none was typed. */
export const zoneStore = createStore<string | undefined>(undefined);
