import { ExportView } from "./export/export.tsx";
import { LiveView } from "./live/live.tsx";
import { LookUpView } from "./look-up/look-up-view.tsx";
import { PreflightView } from "./preflight/preflight.tsx";
import { StatsView } from "./stats/stats.tsx";
import { VerifyView } from "./verify/verify.tsx";
import type { View } from "./view.ts";

/** The tabs of the campaign's page behind the overview, in their order. */
export const views: readonly View[] = [
  { id: "live", title: "view.live", component: LiveView },
  { id: "preflight", title: "view.preflight", component: PreflightView },
  { id: "verify", title: "view.verify", component: VerifyView },
  { id: "stats", title: "view.stats", component: StatsView },
  { id: "export", title: "view.export", component: ExportView },
  { id: "look-up", title: "view.lookUp", component: LookUpView },
];
