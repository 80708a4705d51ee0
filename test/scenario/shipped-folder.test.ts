import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot, shippedFolder } from "../../src/scenario/shipped-folder.ts";
import { folderWith } from "./temporary-folder.ts";

describe("shippedFolder", () => {
  it("is beside the package.json of this package", () => {
    expect(shippedFolder("personas")).toBe(join(import.meta.dirname, "..", "..", "personas"));
  });
});

describe("packageRoot", () => {
  it("goes up past package.json files of other names, as a build's", () => {
    const folder = folderWith({
      "package.json": '{ "name": "dramatis" }',
      "dist/package.json": '{ "type": "module" }',
      "dist/src/scenario/x.js": "",
    });
    expect(packageRoot(join(folder, "dist", "src", "scenario"))).toBe(folder);
  });

  it("says so when there is none", () => {
    expect(() => packageRoot("/")).toThrow(/no package\.json of dramatis/);
  });
});
