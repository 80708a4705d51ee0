/** New embedded stores by the dozen: copies of one that is made once a run, since to make one takes seconds. */
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import { openQueue } from "../../src/fleet/queue.ts";
import { openStore } from "../../src/store/store.ts";

async function makeTemplate(template: string): Promise<void> {
  const draft = join(mkdtempSync(join(dirname(template), "draft-")), "store");
  const store = await openStore(draft);
  await (await openQueue(store, () => undefined)).close();
  await store.close();
  try {
    renameSync(draft, template);
  } catch (error) {
    // Two files were first at once: either's will do.
    if (!existsSync(template)) throw error;
  }
  rmSync(dirname(draft), { recursive: true, force: true });
}

/** A new, empty store in a directory, which it gives back. */
export async function newStore(directory: string): Promise<string> {
  const template = inject("storeTemplate");
  if (!existsSync(template)) await makeTemplate(template);
  cpSync(template, directory, { recursive: true });
  return directory;
}
