/** `dramatis personas`: list, show and check the personas of a folder. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { DramatisError } from "../domain/errors.ts";
import { hintFor } from "../domain/near-names.ts";
import type { Persona } from "../domain/persona.ts";
import { count } from "../report/figures.ts";
import { shippedFolder } from "../scenario/shipped-folder.ts";
import { commandName } from "./command-name.ts";
import type { Terminal } from "./terminal.ts";
import { inputPath } from "./typed-path.ts";

async function personasIn(folder: string | undefined, { env }: Terminal): Promise<Persona[]> {
  const { loadPersonas } = await import("../scenario/personas.ts");
  if (folder !== undefined) return loadPersonas(inputPath(folder, env));
  return loadPersonas(existsSync("personas") ? "personas" : shippedFolder("personas"));
}

export function addPersonas(program: Command, terminal: Terminal): void {
  const print = (lines: readonly string[]) => terminal.write(`${lines.join("\n")}\n`);
  const personas = program.command("personas").description("list, show and check personas");
  const where = "default: personas/ here, else those that come with Dramatis";

  personas
    .command("list", { isDefault: true })
    .description("one line each")
    .argument("[folder]", where)
    .action(async (folder?: string) => {
      if (folder !== undefined && /^[\w-]+$/.test(folder) && !existsSync(inputPath(folder, terminal.env))) {
        const show = `${commandName(terminal.env)} personas show ${folder}`;
        const message = `There is no folder "${folder}". To see the persona of that id, run: ${show}`;
        throw new DramatisError("unknown-name", message);
      }
      const { renderPersonas } = await import("./screen/lists.ts");
      print(renderPersonas(await personasIn(folder, terminal), terminal.screen));
    });

  personas
    .command("show")
    .description("everything about one persona, private notes included")
    .argument("<id>")
    .argument("[folder]", where)
    .action(async (id: string, folder?: string) => {
      const { renderPersona } = await import("./screen/lists.ts");
      const all = await personasIn(folder, terminal);
      const found = all.find((persona) => persona.id === id);
      if (found !== undefined) return print(renderPersona(found, terminal.screen));
      const hint = hintFor(
        id,
        all.map((persona) => persona.id),
      );
      throw new DramatisError("unknown-name", `There is no persona "${id}". ${hint}`);
    });

  personas
    .command("check")
    .description("report every mistake of every persona file")
    .argument("[folder]", where)
    .action(async (folder?: string) => {
      const { length } = await personasIn(folder, terminal);
      print([`${count(length, "persona")} ${length === 1 ? "is" : "are"} valid.`]);
    });
}
