/** Where the run's template of embedded stores lies: one for all files, made by the first that needs one, gone at the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    storeTemplate: string;
  }
}

export default function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-template-"));
  provide("storeTemplate", join(folder, "store"));
  return () => rmSync(folder, { recursive: true, force: true });
}
