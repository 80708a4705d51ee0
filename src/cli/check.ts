/** `dramatis check`: every mistake in persona, scenario, catalog and knowledge files, all at once. */
import type { Command } from "commander";
import { catalogFileKind } from "../catalog/catalog.ts";
import { InvalidFilesError } from "../domain/errors.ts";
import { checkFiles } from "../scenario/check-files.ts";
import type { Terminal } from "./terminal.ts";

export function addCheck(program: Command, terminal: Terminal): void {
  program
    .command("check")
    .description("check files before they are used")
    .argument(
      "<file...>",
      "persona, scenario and catalog files (.yaml), knowledge documents (.md), or folders of them",
    )
    .action((files: string[]) => {
      const problems = checkFiles(files, { catalog: catalogFileKind });
      if (problems.length > 0) throw new InvalidFilesError(problems);
      terminal.write(`${files.length === 1 ? `${files[0]} is valid` : `All ${files.length} are valid`}.\n`);
    });
}
