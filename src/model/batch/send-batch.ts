/**
 * Brings a batch to the provider, once: its file, then the batch. Before each of the two it is written down that it is begun.
 * Whoever finds it so, and no answer, looks for it at the provider before anything is sent.
 */
import { linesOf } from "../../store/batch-lines.ts";
import { doubtMs, type StoredBatch } from "../../store/batches.ts";
import { ModelError } from "../model-error.ts";
import { lineText } from "./batch-line.ts";
import { change, type Leading } from "./leading.ts";
import { OUR_ID, type ProviderBatch } from "./provider-batch.ts";

export const fileName = ({ id }: StoredBatch): string => `dramatis-${id}.jsonl`;

async function fileOf(leading: Leading, batch: StoredBatch): Promise<string> {
  const { sql, client, signal } = leading;
  const name = fileName(batch);
  if (batch.state === "uploading") {
    const found = await client.findFile({ name, since: batch.plannedAt }, signal);
    if (found !== undefined) return found;
  }
  const parts: string[] = [];
  for await (const page of linesOf(sql, batch.id)) parts.push(page.map(lineText).join(""));
  await change(leading, batch.id, { state: "uploading" });
  return await client.upload(name, parts, signal);
}

/** What a call that was refused for what is in it comes to: no batch. */
const isRefusal = (error: unknown): error is ModelError =>
  error instanceof ModelError && (error.code === "bad-request" || error.code === "context-too-long");

export type Sent =
  /** The provider has it. */
  | { as: "created"; batch: ProviderBatch }
  /** It will not have it. */
  | { as: "refused"; error: ModelError }
  /** Whether it has it is not known yet: it is looked for again later. */
  | { as: "in-doubt" };

/** @throws ModelError for what may pass; what was begun is then looked for first */
export async function sendBatch(leading: Leading, batch: StoredBatch, settleMs: number): Promise<Sent> {
  const { sql, client, signal } = leading;
  const { id, runId, wave } = batch;
  if (batch.state === "creating") {
    const key = { name: OUR_ID, value: id, since: batch.plannedAt };
    const found = await client.find(key, signal);
    if (found !== undefined) return { as: "created", batch: found };
    // What was on its way when its sender was killed may still arrive.
    if ((await doubtMs(sql, id)) < settleMs) return { as: "in-doubt" };
  }
  let { fileId } = batch;
  if (fileId === undefined) {
    fileId = await fileOf(leading, batch);
    await change(leading, id, { state: "uploaded", fileId });
  }
  await change(leading, id, { state: "creating" });
  try {
    const metadata = { run: runId, wave: String(wave), kind: "simulation", [OUR_ID]: id };
    return { as: "created", batch: await client.create({ fileId, metadata }, signal) };
  } catch (error) {
    if (isRefusal(error)) return { as: "refused", error };
    throw error;
  }
}
