/** Documents and passages of a knowledge base. */
import { z } from "zod";
import { slugSchema } from "./persona.ts";

/** Front matter of a knowledge document (Markdown). */
export const documentHeadSchema = z.strictObject({
  title: z.string().trim().min(1).optional().describe("Default: the first heading."),
  category: slugSchema.optional().describe("Default: the name of the folder the file is in."),
  personas: z
    .array(slugSchema)
    .min(1)
    .optional()
    .describe("Ids of the only personas that may find this document. Default: everyone."),
});

/** A part of a document, small enough to quote. `id` is `<file name>#<number>`, counted from 1. */
export interface Passage {
  id: string;
  title: string;
  category: string;
  text: string;
  /** The only personas that may find it; undefined: everyone. */
  personas?: readonly string[];
}

/** A passage that a search returned; `score` is BM25, higher is better. */
export interface FoundPassage extends Omit<Passage, "personas"> {
  score: number;
}
