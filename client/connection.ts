import type { Waker } from "./clock.ts";

/** Whether the device has a network at all, as its browser says. */
export type Connection = {
  /** False: the device has no network. True says little: there may be none all the same. */
  isOnline(): boolean;
  /** Wakes when the device has a network again. */
  readonly onOnline: Waker;
};

/** Node has no such events: there a device counts as connected. */
export const deviceConnection: Connection = {
  isOnline: () => globalThis.navigator?.onLine !== false,
  onOnline(wake) {
    globalThis.addEventListener?.("online", wake);
    return () => globalThis.removeEventListener?.("online", wake);
  },
};
