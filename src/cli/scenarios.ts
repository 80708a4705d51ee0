/** `dramatis scenarios`: which scenarios there are and how to run them. */
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, extname, relative } from "node:path";
import type { Command } from "commander";
import { shippedFolder } from "../scenario/shipped-folder.ts";
import { commandName } from "./command-name.ts";
import type { Terminal } from "./terminal.ts";

/** A scenario as the user would name it: by its id where it comes with Dramatis, else by its path, the shorter way. */
function typedName(file: string): string {
  if (realpathSync(dirname(file)) === realpathSync(shippedFolder("scenarios"))) {
    return basename(file, extname(file));
  }
  const near = relative(process.cwd(), file);
  return near.length < file.length ? near : file;
}

export function addScenarios(program: Command, terminal: Terminal): void {
  program
    .command("scenarios")
    .description("list scenarios")
    .argument("[folder]", "default: scenarios/ here, else those that come with Dramatis")
    .action(async (folder: string | undefined) => {
      const { scenarioFiles } = await import("../scenario/find-scenario.ts");
      const { loadScenario } = await import("../scenario/scenario.ts");
      const { renderScenarios } = await import("./screen/lists.ts");
      const from = folder ?? (existsSync("scenarios") ? "scenarios" : shippedFolder("scenarios"));
      const rows = scenarioFiles(from).map((file) => {
        const { id, title, description, cast, moderator } = loadScenario(file);
        return {
          id,
          title,
          description,
          command: `${commandName(terminal.env)} run ${typedName(file)}`,
          castSize: cast.length,
          policy: moderator.policy,
        };
      });
      terminal.write(`${renderScenarios(rows, terminal.screen).join("\n")}\n`);
    });
}
