import { fileURLToPath } from "node:url";

/** The repository's top folder, whatever the current folder is. */
export const repositoryDir = fileURLToPath(new URL("..", import.meta.url));
