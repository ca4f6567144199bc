import type { Route } from "../session/router.ts";
import { SinkListPage } from "./sink-list.tsx";
import { SinkPage } from "./sink-page.tsx";

/** The pages about sinks, in a file of their own. */
export function SinkPages({ route }: { readonly route: Route }) {
  return route.page === "sink" ? <SinkPage key={route.name} name={route.name} /> : <SinkListPage />;
}
