/** `dramatis models`: the catalog, its prices and its selection rules. */
import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";
import { catalogPath } from "./typed-path.ts";
import { some } from "./values.ts";

export function addModels(program: Command, terminal: Terminal): void {
  program
    .command("models")
    .description("list models, their prices and how they are chosen")
    .option(
      "--catalog <file>",
      "a YAML file with your own models and prices (default: DRAMATIS_CATALOG)",
      some("a file"),
    )
    .action(async ({ catalog }: { catalog?: string }) => {
      const { loadCatalog } = await import("../catalog/catalog.ts");
      const { renderModels } = await import("./screen/lists.ts");
      const { models, selection } = loadCatalog(catalogPath(catalog, terminal.env));
      terminal.write(`${renderModels([...models.values()], selection, terminal.screen).join("\n")}\n`);
    });
}
