/** `dramatis scenarios`: which scenarios there are and how to run them. */
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, extname, relative } from "node:path";
import type { Command } from "commander";
import { InvalidFilesError, type Problem } from "../domain/errors.ts";
import { sortProblems } from "../domain/problem-words.ts";
import { shippedFolder } from "../scenario/shipped-folder.ts";
import { commandName } from "./command-name.ts";
import type { ScenarioRow } from "./screen/lists.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath, userFolder } from "./typed-path.ts";

/** A scenario as the user would name it: by its id where it comes with Dramatis, else by its path, the shorter way. */
function typedName(file: string, env: Terminal["env"]): string {
  if (realpathSync(dirname(file)) === realpathSync(shippedFolder("scenarios"))) {
    return basename(file, extname(file));
  }
  const near = relative(userFolder(env), file);
  return near.length < file.length ? near : file;
}

const usualFolder = () => (existsSync("scenarios") ? "scenarios" : shippedFolder("scenarios"));

export function addScenarios(program: Command, terminal: Terminal): void {
  program
    .command("scenarios")
    .description("list scenarios")
    .argument("[folder]", "default: scenarios/ here, else those that come with Dramatis")
    .action(async (folder: string | undefined) => {
      const { scenarioFiles } = await import("../scenario/find-scenario.ts");
      const { readScenario } = await import("../scenario/scenario.ts");
      const { renderScenarios } = await import("./screen/lists.ts");
      const from = folder === undefined ? usualFolder() : inputPath(folder, terminal.env);
      const rows: ScenarioRow[] = [];
      const problems: Problem[] = [];
      for (const file of scenarioFiles(from)) {
        const scenario = readScenario(file);
        if (!scenario.ok) {
          problems.push(...scenario.problems);
          continue;
        }
        const { id, title, description, cast, moderator } = scenario.value;
        const command = `${commandName(terminal.env)} run ${typedName(file, terminal.env)}`;
        rows.push({ id, title, description, command, castSize: cast.length, policy: moderator.policy });
      }
      if (rows.length > 0) terminal.write(`${renderScenarios(rows, terminal.screen).join("\n")}\n`);
      else if (problems.length === 0) {
        problems.push({ file: from, path: "", expected: "at least one scenario (*.yaml)", got: "none" });
      }
      if (problems.length > 0) throw new InvalidFilesError(sortProblems(problems));
    });
}
