// After `tsc`: the scripts are data to the compiler, and the built pool reads them from beside itself.
import { cpSync } from "node:fs";

cpSync(new URL("../pool/lua", import.meta.url), new URL("../dist/pool/lua", import.meta.url), {
  recursive: true,
});
