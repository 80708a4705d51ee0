/** Node that is too old is named at once. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkNode, OLDEST_NODE } from "../../src/domain/node-version.ts";

it.each(["20.20.2", "22.11.0", "18.0.0"])("refuses Node %s, and says which one is needed", (version) => {
  expect(() => checkNode(version)).toThrow(
    `Dramatis needs Node 22.12 or newer; this is Node ${version}. Start it with a newer one.`,
  );
});

it.each(["22.12.0", "23.0.0", "24.21.0"])("takes Node %s", (version) => {
  expect(() => checkNode(version)).not.toThrow();
});

it("agrees with package.json", () => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  expect(engines.node).toBe(`>=${OLDEST_NODE}`);
});
