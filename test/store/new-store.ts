/** New embedded stores by the dozen: copies of one that is made once a run, since to make one takes seconds. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, inject } from "vitest";
import { openQueue } from "../../src/fleet/queue.ts";
import { openStore, type Store } from "../../src/store/store.ts";

async function makeStore(directory: string): Promise<void> {
  const store = await openStore(directory);
  await (await openQueue(store, () => undefined)).close();
  await store.close();
}

/** Of all files that need it at the same time, one makes it, and the others wait. */
async function haveTemplate(template: string): Promise<void> {
  const turn = `${template}.turn`;
  while (!existsSync(template)) {
    try {
      mkdirSync(turn);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      await wait(50);
      continue;
    }
    try {
      if (existsSync(template)) return;
      const draft = `${template}.${crypto.randomUUID()}`;
      await makeStore(draft);
      renameSync(draft, template);
    } finally {
      rmdirSync(turn);
    }
  }
}

/** A new, empty store in a directory, which it gives back. */
export async function newStore(directory: string): Promise<string> {
  const template = inject("storeTemplate");
  await haveTemplate(template);
  cpSync(template, directory, { recursive: true });
  return directory;
}

/** A new store for all tests of a file, which closes it at its end. */
export async function storeOfFile(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-file-"));
  const store = await openStore(await newStore(join(folder, "store")));
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}
