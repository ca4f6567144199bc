/** The coupon as the page keeps it. */
export type KeptCoupon = { readonly code: string; readonly issuedAtMs: number };

/** What the browser keeps of one customer in one campaign. */
export type Kept = {
  /** The customer has pressed, and has no definite answer yet: a page that is loaded anew goes on. */
  readonly isWanted: boolean;
  readonly coupon: KeptCoupon | undefined;
};

const NOTHING: Kept = { isWanted: false, coupon: undefined };

/** What outlives the page, for one campaign; all tabs of the browser share it. */
export type Keeper = {
  /** The user id that was typed last; "": none. */
  user(): string;
  setUser(user: string): void;
  /** `user`: "" in a campaign whose claims name no user. */
  of(user: string): Kept;
  keep(user: string, kept: Kept): void;
  forget(user: string): void;
  /** Calls back when another tab has kept something. */
  onChange(changed: () => void): void;
};

export function createKeeper(campaignId: string, storage: () => Storage, target: EventTarget): Keeper {
  const name = `coupon-launch:${campaignId}`;
  const nameOf = (user: string): string => `${name}:of:${user}`;
  // What a browser that forbids storage does not keep.
  const memory = new Map<string, string>();
  /** Their latest value was not taken, and storage has an older one, or none. */
  const untaken = new Set<string>();

  function read(key: string): string | undefined {
    if (untaken.has(key)) return memory.get(key);
    try {
      return storage().getItem(key) ?? memory.get(key);
    } catch {
      return memory.get(key);
    }
  }
  function write(key: string, value: string | undefined): void {
    if (value === undefined) memory.delete(key);
    else memory.set(key, value);
    try {
      if (value === undefined) storage().removeItem(key);
      else storage().setItem(key, value);
      untaken.delete(key);
    } catch {
      // Private mode, or a full quota.
      untaken.add(key);
    }
  }

  return {
    user: () => read(name) ?? "",
    setUser: (user) => write(name, user === "" ? undefined : user),
    of: (user) => parse(read(nameOf(user))),
    keep: (user, kept) => write(nameOf(user), JSON.stringify(kept)),
    forget: (user) => write(nameOf(user), undefined),
    onChange(changed) {
      target.addEventListener("storage", (event) => {
        const { key } = event as StorageEvent;
        if (key === null || key.startsWith(name)) {
          // What another tab has removed is gone here, too.
          if (key !== null) {
            memory.delete(key);
            untaken.delete(key);
          }
          changed();
        }
      });
    },
  };
}

/** A number that a date can have: another one could not be shown. */
function isInstant(ms: unknown): ms is number {
  return typeof ms === "number" && !Number.isNaN(new Date(ms).getTime());
}

function parse(text: string | undefined): Kept {
  if (text === undefined) return NOTHING;
  try {
    const { isWanted, coupon } = JSON.parse(text) as Partial<Kept>;
    const { code, issuedAtMs } = coupon ?? {};
    const isWhole = typeof code === "string" && code !== "" && isInstant(issuedAtMs);
    return { isWanted: isWanted === true, coupon: isWhole ? { code, issuedAtMs } : undefined };
  } catch {
    return NOTHING;
  }
}
