import { fileURLToPath } from "node:url";

/** The repository's top folder, wherever we were started from. */
export const repositoryDir = fileURLToPath(new URL("..", import.meta.url));
