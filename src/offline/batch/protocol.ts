/** Batches as they are on the wire: what is asked for, what is answered, and the lines of the files. Times in seconds. */

export type BatchStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** Why a batch failed: a line of its file, from 1, or the whole. */
export interface BatchProblem {
  code: string;
  line: number | null;
  message: string;
  param: string | null;
}

export interface BatchUsageOnWire {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** Fields that are not set are null. */
export interface BatchOnWire {
  object: "batch";
  id: string;
  endpoint: string;
  model: string | null;
  errors: { object: "list"; data: BatchProblem[] } | null;
  input_file_id: string;
  completion_window: string;
  status: BatchStatus;
  output_file_id: string | null;
  error_file_id: string | null;
  created_at: number;
  in_progress_at: number | null;
  expires_at: number;
  finalizing_at: number | null;
  completed_at: number | null;
  failed_at: number | null;
  expired_at: number | null;
  cancelling_at: number | null;
  cancelled_at: number | null;
  request_counts: { total: number; completed: number; failed: number };
  usage: BatchUsageOnWire;
  metadata: Record<string, string> | null;
}

/** A line of an output or error file: a response of any status, or why there was none. */
export interface ResultLine {
  id: string;
  custom_id: string;
  response: { status_code: number; request_id: string; body: unknown } | null;
  error: { code: string; message: string } | null;
}
