import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { repositoryDir } from "../../local/repository.ts";

/** A Kubernetes object, as YAML has it. */
export type Manifest = { readonly apiVersion: string; readonly kind: string; metadata: Metadata } & {
  [field: string]: unknown;
};
type Metadata = { name: string; namespace?: string; labels?: Record<string, string> };
type Tree = Record<string, unknown>;

type Kustomization = {
  readonly namespace?: string;
  readonly resources: readonly string[];
  readonly labels?: readonly {
    readonly pairs: Record<string, string>;
    readonly includeTemplates?: boolean;
  }[];
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
  readonly patches?: readonly { readonly path: string }[];
};

const KNOWN = ["apiVersion", "kind", "namespace", "resources", "labels", "images", "patches"];

/**
 * What `kubectl kustomize` makes of a folder, as far as the files of deploy/kustomize use it: not every
 * machine has kubectl. Fields that it does not know are an error, so that nothing is passed over.
 */
export function buildKustomization(folder: string): Manifest[] {
  const text = (file: string) => readFileSync(join(repositoryDir, folder, file), "utf8");
  const file = parse(text("kustomization.yaml"), { version: "1.1" }) as Kustomization;
  const unknown = Object.keys(file).filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0) throw new Error(`${folder}: ${unknown.join(", ")} is not composed here`);
  const manifests = file.resources.flatMap((resource) =>
    resource.endsWith(".yaml")
      ? manifestsIn(text(resource))
      : buildKustomization(normalize(join(folder, resource))),
  );
  for (const { path } of file.patches ?? [])
    for (const patch of manifestsIn(text(path))) {
      const target = manifests.find(
        (one) => one.kind === patch.kind && one.metadata.name === patch.metadata.name,
      );
      if (target === undefined) throw new Error(`${folder}/${path}: no ${patch.kind} ${patch.metadata.name}`);
      merge(target, patch, ATOMIC_LISTS.has(patch.kind));
    }
  for (const manifest of manifests) {
    for (const { pairs, includeTemplates } of file.labels ?? []) {
      label(manifest, pairs);
      const template = podTemplateOf(manifest);
      if (includeTemplates === true && template !== undefined) label(template, pairs);
    }
    if (file.namespace !== undefined) manifest.metadata.namespace = file.namespace;
    for (const { name, newName, newTag } of file.images ?? [])
      for (const container of containersOf(manifest))
        if (container["image"] === name) container["image"] = `${newName}:${newTag}`;
  }
  return manifests;
}

/** The manifests in a text of YAML documents. */
export function manifestsIn(text: string): Manifest[] {
  // Kubernetes reads YAML 1.1, in which 0440 is octal.
  return parseAllDocuments(text, { version: "1.1" }).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as Manifest;
  });
}

/** The kinds whose lists a strategic merge replaces. */
const ATOMIC_LISTS = new Set(["NetworkPolicy"]);

/** A strategic merge, in which lists are replaced or there are none. */
function merge(target: Tree, patch: Tree, replacesLists: boolean): void {
  for (const [key, value] of Object.entries(patch)) {
    const old = target[key];
    if (isTree(value) && isTree(old)) merge(old, value, replacesLists);
    else if (Array.isArray(value) && !replacesLists) throw new Error(`${key}: a list is not merged here`);
    else target[key] = value;
  }
}

function label(
  labelled: { metadata?: { labels?: Record<string, string> } },
  pairs: Record<string, string>,
): void {
  labelled.metadata ??= {};
  labelled.metadata.labels = { ...labelled.metadata.labels, ...pairs };
}

export type PodTemplate = {
  metadata: { labels: Record<string, string> };
  readonly spec: { readonly containers: Tree[] } & Tree;
};

/** undefined: it makes no pods. */
export function podTemplateOf(manifest: Manifest): PodTemplate | undefined {
  return (manifest["spec"] as { template?: PodTemplate } | undefined)?.template;
}

export function containersOf(manifest: Manifest): readonly Tree[] {
  return podTemplateOf(manifest)?.spec.containers ?? [];
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
