/** A batch as the provider tells of it. */
import type { OpenAIClient } from "@langchain/openai";

/** Why a batch was refused as a whole, or one line of it. */
export interface BatchProblem {
  code: string;
  message: string;
  /** Of the input file, counted from 1. */
  line: number | undefined;
}

export interface ProviderBatch {
  id: string;
  status: OpenAIClient.Batches.Batch["status"];
  inputFileId: string;
  outputFileId: string | undefined;
  errorFileId: string | undefined;
  total: number;
  completed: number;
  failed: number;
  problems: BatchProblem[];
  metadata: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  createdAt: number;
}

const CANCELLABLE: ReadonlySet<ProviderBatch["status"]> = new Set(["validating", "in_progress"]);
const OVER: ReadonlySet<string> = new Set(["completed", "failed", "expired", "cancelled"]);

export const isCancellable = ({ status }: ProviderBatch): boolean => CANCELLABLE.has(status);
/** Whether nothing more becomes of it. */
export const isOver = ({ status = "" }: { status?: string | undefined }): boolean => OVER.has(status);
