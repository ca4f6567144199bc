import { createRequire } from "node:module";
import type { Manifest } from "./kustomization.ts";

const require = createRequire(import.meta.url);

type Module = Record<string, new (data: unknown) => { validate(): void }>;

/** By kind: where the package has its model. */
const MODULES: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  Service: "v1",
  ConfigMap: "v1",
  PodDisruptionBudget: "policy/v1",
  HorizontalPodAutoscaler: "autoscaling/v2",
  NetworkPolicy: "networking.k8s.io/v1",
};

/**
 * What is wrong with an object by the schemas of Kubernetes; empty: nothing. They let pass fields that they
 * do not know, and the API server drops these. A validator asks for each field that it knows, so the unknown
 * ones are those that it never asks for.
 */
export function wrongBySchema(manifest: Manifest): string[] {
  const { kind, apiVersion, metadata } = manifest;
  const told = `${kind} ${metadata.name}`;
  if (MODULES[kind] !== apiVersion) return [`${told}: ${apiVersion} is not known here`];
  const Model = (require(`kubernetes-models/${apiVersion}`) as Module)[kind];
  if (Model === undefined) return [`${told}: the package has no such model`];
  const model = new Model(manifest);
  const read = new Set<string>();
  try {
    model.validate.call(watched(model, "", read));
  } catch (error) {
    return [`${told}: ${error instanceof Error ? error.message : String(error)}`];
  }
  const unknown = pathsIn(manifest, "").filter((path) => !read.has(path));
  return unknown.map((path) => `${told}: ${path} is no field`);
}

function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const inner: unknown = Reflect.get(target, key);
      if (typeof key === "symbol" || !Object.hasOwn(target, key)) return inner;
      const at = `${path}/${key}`;
      read.add(at);
      return watched(inner, at, read);
    },
  });
}

function pathsIn(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    `${path}/${key}`,
    ...pathsIn(inner, `${path}/${key}`),
  ]);
}
