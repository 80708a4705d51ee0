/** `dramatis scenarios`: which scenarios there are and how to run them. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import type { Command } from "commander";
import { scenarioFiles } from "../scenario/find-scenario.ts";
import { loadScenario } from "../scenario/scenario.ts";
import { shippedFolder } from "../scenario/shipped-folder.ts";
import { renderScenarios } from "./screen/lists.ts";
import type { Terminal } from "./terminal.ts";

/** A path as the user would type it: relative where that is shorter. */
function typedPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near.length < file.length ? near : file;
}

export function addScenarios(program: Command, terminal: Terminal): void {
  program
    .command("scenarios")
    .description("list scenarios")
    .argument("[folder]", "default: scenarios/ here, else those that come with Dramatis")
    .action((folder: string | undefined) => {
      const from = folder ?? (existsSync("scenarios") ? "scenarios" : shippedFolder("scenarios"));
      const rows = scenarioFiles(from).map((file) => {
        const { id, title, description, cast, moderator } = loadScenario(file);
        return {
          id,
          title,
          description,
          file: typedPath(file),
          castSize: cast.length,
          policy: moderator.policy,
        };
      });
      terminal.write(`${renderScenarios(rows, terminal.screen).join("\n")}\n`);
    });
}
