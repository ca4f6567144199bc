import { programOnPath } from "../local/program.mjs";
import { installPackage } from "./package.mjs";

export function isPrometheusHere() {
  return programOnPath("prometheus") !== undefined && programOnPath("promtool") !== undefined;
}

export function installPrometheus() {
  return installPackage({
    what: "prometheus",
    debianPackage: "prometheus",
    service: "prometheus",
    isHere: isPrometheusHere,
    instead:
      "Install prometheus and promtool yourself (on PATH). Only the tests of metrics, dashboard and alerts need them.",
  });
}
