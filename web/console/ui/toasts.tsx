import { type ComponentChildren, createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { createStore, type Store, useStore } from "../session/store.ts";

type Toast = { readonly id: number; readonly text: string };
type Toasts = { readonly list: Store<readonly Toast[]>; say(text: string): void };

const SHOWN_MS = 6_000;
const TOASTS_MAX = 4;

const Context = createContext<Toasts | undefined>(undefined);

/** Short messages about what was done: shown for some seconds and read out politely. */
export function ToastProvider({ children }: { readonly children: ComponentChildren }) {
  const toasts = useMemo(createToasts, []);
  return (
    <Context.Provider value={toasts}>
      {children}
      <ToastList list={toasts.list} />
    </Context.Provider>
  );
}

function createToasts(): Toasts {
  const list = createStore<readonly Toast[]>([]);
  let latest = 0;
  return {
    list,
    say(text) {
      latest++;
      const id = latest;
      list.set([...list.get(), { id, text }].slice(-TOASTS_MAX));
      setTimeout(() => list.set(list.get().filter((toast) => toast.id !== id)), SHOWN_MS);
    },
  };
}

function ToastList({ list }: { readonly list: Toasts["list"] }) {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(list).map(({ id, text }) => (
        <p class="toast" key={id}>
          {text}
        </p>
      ))}
    </div>
  );
}

export function useToast(): (text: string) => void {
  const toasts = useContext(Context);
  if (toasts === undefined) throw new Error("useToast: outside of ToastProvider");
  return toasts.say;
}
