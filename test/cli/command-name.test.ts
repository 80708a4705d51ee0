import { expect, it } from "vitest";
import { commandName } from "../../src/cli/command-name.ts";

it.each([
  [{}, "dramatis"],
  [{ npm_lifecycle_event: "start", npm_package_name: "somebody-elses" }, "dramatis"],
  [{ npm_lifecycle_event: "dramatis", npm_package_name: "somebody-elses" }, "npm run -s dramatis --"],
  [{ npm_lifecycle_event: "start", npm_package_name: "dramatis" }, "npm run -s dramatis --"],
])("is what reaches the program from where %j was set", (env, name) => {
  expect(commandName(env)).toBe(name);
});
