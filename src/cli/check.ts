/** `dramatis check`: every mistake in persona, scenario, experiment, catalog and knowledge files, all at once. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { DramatisError, InvalidFilesError } from "../domain/errors.ts";
import { plainLine } from "../report/plain-text.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath } from "./typed-path.ts";

/** What is checked when nothing is named: the folders of the current folder that usually hold such files. */
function usualFolders(names: readonly string[]): string[] {
  const found = names.filter((folder) => existsSync(folder));
  if (found.length > 0) return found;
  throw new DramatisError(
    "invalid-argument",
    `There is nothing to check: this folder has no ${names.map((name) => `${name}/`).join(", ")}. Name files or folders.`,
  );
}

export function addCheck(program: Command, terminal: Terminal): void {
  program
    .command("check")
    .description("check files before they are used")
    .argument(
      "[file...]",
      "persona, scenario, experiment and catalog files (.yaml), knowledge documents (.md), or folders of them (default: scenarios/, personas/, knowledge/ and experiments/ here)",
    )
    .action(async (named: string[]) => {
      const { catalogFileKind } = await import("../catalog/catalog.ts");
      const { experimentFileKind } = await import("../experiment/experiment-file.ts");
      const { checkFiles, USUAL_FOLDERS } = await import("../scenario/check-files.ts");
      const files =
        named.length === 0 ? usualFolders(USUAL_FOLDERS) : named.map((file) => inputPath(file, terminal.env));
      const { formatNotice } = await import("../domain/screening.ts");
      const notices = new Set<string>();
      const problems = checkFiles(
        files,
        { catalog: catalogFileKind, experiment: experimentFileKind() },
        (notice) => notices.add(`notice: ${plainLine(formatNotice(notice))}\n`),
      );
      if (problems.length > 0) throw new InvalidFilesError(problems);
      for (const notice of notices) terminal.writeError(notice);
      const names = files.map(plainLine).join(", ");
      terminal.write(files.length === 1 ? `${names} is valid.\n` : `All valid: ${names}.\n`);
    });
}
