import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../../../local/poll.ts";
import { HazardMissed } from "../hazard.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { part, proveRebuilt, proveUnknown } from "./proofs.ts";

const DISK_BYTES = 8 * 1024 * 1024;
const BALLAST = "ballast";
const GIVES_UP_WITHIN_MS = 20_000;
const CHUNK = Buffer.alloc(64 * 1024, 1);

/**
 * A small disk of its own for Redis, so that it can be filled; an ordinary folder where mounting is not
 * allowed.
 */
async function smallDisk(roundDir: string): Promise<{ dir: string; release: () => Promise<void> }> {
  const disk = join(roundDir, "disk");
  mkdirSync(disk, { recursive: true });
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", disk]).status === 0;
  const release = async () => void (mounted && spawnSync("umount", ["-l", disk]));
  return { dir: join(disk, "redis"), release };
}

/** Fills the disk to the last byte. */
async function fill(file: string): Promise<boolean> {
  const ballast = await open(file, "w");
  try {
    for (let size = CHUNK.length; size >= 1; ) {
      try {
        const { bytesWritten } = await ballast.write(CHUNK, 0, size);
        if (bytesWritten < size) size = Math.floor(size / 2);
      } catch {
        size = Math.floor(size / 2);
      }
      if (statSync(file).size > DISK_BYTES) return false;
    }
    return true;
  } finally {
    await ballast.close();
  }
}

/** Where no disk can be filled: limits the file's size, so that the kernel refuses further writes. */
async function limitFileSize(sale: Sale): Promise<void> {
  const dir = join(sale.ground.redis.dir ?? "", "appendonlydir");
  const sizes = (await readdir(dir)).map((name) => statSync(join(dir, name)).size);
  spawnSync("prlimit", ["--pid", String(sale.ground.redis.pid), `--fsize=${Math.max(...sizes) + 100}`]);
}

export const diskRounds: readonly Round[] = [
  {
    name: "disk-full-redis",
    forms: ["single"],
    ground: { redisDir: smallDisk },
    async act(sale) {
      const { redis } = sale.ground;
      const ballast = join(redis.dir ?? "", "..", BALLAST);
      await part(sale, 0.4);
      if (!(await fill(ballast))) await limitFileSize(sale);
      // With `appendfsync always`, Redis ends rather than acknowledge a write that is not on disk.
      const gaveUp = await until(() => !redis.isRunning, GIVES_UP_WITHIN_MS);
      if (!gaveUp) throw new HazardMissed("Redis had nothing more to write on the full disk");
      sale.prove("redis_ended_by_itself", redis.isRunning ? 0 : 1);
      await rm(ballast);
      await redis.start();
      sale.faultOver();
    },
    async after(sale) {
      proveUnknown(sale);
      await proveRebuilt(sale);
    },
  },
];
