/** The tools that a scenario gives its personas: a search of what each of them may see. */
import type { StructuredToolInterface } from "@langchain/core/tools";
import { categoriesInScope, type KnowledgeIndex } from "../../tools/knowledge-index.ts";
import { createSearchTool } from "../../tools/search-knowledge-base.ts";
import type { Persona } from "../domain/persona.ts";

/** None where there is nothing to search. */
export function personaTools(
  index: KnowledgeIndex,
  { id, knowledge }: Pick<Persona, "id" | "knowledge">,
): StructuredToolInterface[] {
  if (categoriesInScope(index).size === 0) return [];
  return [createSearchTool(index, { personaId: id, categories: knowledge })];
}
