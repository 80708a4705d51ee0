/** The models a server offers, checked at the door; dated snapshots are served by their base model. */
import { z } from "zod";
import { InvalidFilesError } from "../domain/errors.ts";
import { type ModelInfo, modelInfoSchema } from "../domain/model-info.ts";
import { check } from "../domain/schema-check.ts";
import { readValue } from "../domain/yaml-source.ts";

const servedModelSchema = modelInfoSchema.extend({ id: z.string().min(1) });

/** A model with its name. What has a default in the catalog may be left out here too. */
export type ServedModel = z.input<typeof servedModelSchema>;

export interface ServedModels {
  /** Without snapshots. */
  readonly ids: readonly string[];
  find(id: string): ModelInfo | undefined;
}

/** A dated snapshot's name, like `gpt-4.1-2025-04-14`: the base model's, then the day. */
const SNAPSHOT = /^(.+)-\d{4}-\d{2}-\d{2}$/;

/** Throws an `InvalidFilesError` whose problems stand in the file `<models>`. */
export function serveModels(models: readonly ServedModel[]): ServedModels {
  const checked = check(z.array(servedModelSchema), readValue(models, "<models>"));
  if (!checked.ok) throw new InvalidFilesError(checked.problems);
  const byId = new Map(checked.value.map((model) => [model.id, model]));
  return {
    ids: [...byId.keys()],
    find: (id) => byId.get(id) ?? byId.get(SNAPSHOT.exec(id)?.[1] ?? ""),
  };
}
