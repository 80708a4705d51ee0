/** `dramatis personas`: list, show and check the personas of a folder. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { DramatisError } from "../domain/errors.ts";
import { nearNames } from "../domain/near-names.ts";
import { loadPersonas } from "../scenario/personas.ts";
import { shippedFolder } from "../scenario/shipped-folder.ts";
import { renderPersona, renderPersonas } from "./screen/lists.ts";
import type { Terminal } from "./terminal.ts";

const folderOr = (folder: string | undefined) =>
  folder ?? (existsSync("personas") ? "personas" : shippedFolder("personas"));

export function addPersonas(program: Command, terminal: Terminal): void {
  const print = (lines: readonly string[]) => terminal.write(`${lines.join("\n")}\n`);
  const personas = program.command("personas").description("list, show and check personas");
  const where = "default: personas/ here, else those that come with Dramatis";

  personas
    .command("list", { isDefault: true })
    .description("one line each")
    .argument("[folder]", where)
    .action((folder?: string) => print(renderPersonas(loadPersonas(folderOr(folder)), terminal.screen)));

  personas
    .command("show")
    .description("everything about one persona, private notes included")
    .argument("<id>")
    .argument("[folder]", where)
    .action((id: string, folder?: string) => {
      const all = loadPersonas(folderOr(folder));
      const found = all.find((persona) => persona.id === id);
      if (found !== undefined) return print(renderPersona(found, terminal.screen));
      const ids = all.map((persona) => persona.id);
      const near = nearNames(id, ids);
      const meant = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `There are ${ids.join(", ")}.`;
      throw new DramatisError("unknown-name", `There is no persona "${id}". ${meant}`);
    });

  personas
    .command("check")
    .description("report every mistake of every persona file")
    .argument("[folder]", where)
    .action((folder?: string) => print([`${loadPersonas(folderOr(folder)).length} personas are valid.`]));
}
