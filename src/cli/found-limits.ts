/** The limits that an account has, as flags say them, or as the project's own are read with an admin key. */
import type { Dramatis } from "../app.ts";
import { checkedBaseUrl, DEFAULT_BASE_URL } from "../domain/base-url.ts";
import { DramatisError } from "../domain/errors.ts";
import { missingLimits, readAccountLimits } from "../model/pace/account-limits.ts";
import type { ProjectLimits } from "../model/pace/project-limits.ts";
import type { GatewayFlags } from "./gateway-flags.ts";
import type { LimitsRow } from "./screen/limits.ts";
import type { Terminal } from "./terminal.ts";

/** Whose limits are compared with, or why they are not known. */
export interface FoundLimits {
  project: string | undefined;
  limitsOf(model: string): ProjectLimits | undefined;
  /** All that the project lists. */
  rows: readonly LimitsRow[];
  /** Undefined: they are known. */
  problem: string | undefined;
}

const NOTHING: Omit<FoundLimits, "problem"> = { project: undefined, limitsOf: () => undefined, rows: [] };

/** @throws DramatisError where a server was asked and did not tell */
export async function findLimits(
  { rpm, tpm, project }: Pick<GatewayFlags, "rpm" | "tpm"> & { project?: string },
  { env }: Terminal,
): Promise<FoundLimits> {
  if (rpm !== undefined || tpm !== undefined) {
    const given = { requestsPerMinute: rpm, tokensPerMinute: tpm };
    return { ...NOTHING, limitsOf: () => given, problem: undefined };
  }
  const baseUrl = checkedBaseUrl(env.OPENAI_BASE_URL?.trim() || DEFAULT_BASE_URL);
  const found = await readAccountLimits({ env, project, baseUrl });
  if (found.kind === "not-told") throw found.error;
  if (found.kind !== "found") return { ...NOTHING, problem: missingLimits(found) };
  const { byModel } = found;
  const rows = [...byModel].map(([model, limits]) => ({ model, limits }));
  return { project: found.project, limitsOf: (model) => byModel.get(model), rows, problem: undefined };
}

/** The same, where nobody asked for them: what could not be read is not known. */
export async function knownLimits(
  flags: Pick<GatewayFlags, "rpm" | "tpm">,
  terminal: Terminal,
): Promise<FoundLimits["limitsOf"]> {
  try {
    return (await findLimits(flags, terminal)).limitsOf;
  } catch (error) {
    if (error instanceof DramatisError) return NOTHING.limitsOf;
    throw error;
  }
}

/** What is told of limits that are asked for without being named; undefined: they were read, or not to be. */
export const unreadLimits = ({ limitsProblem }: Pick<Dramatis, "limitsProblem">): string | undefined =>
  limitsProblem === undefined ? undefined : `The project's limits could not be read: ${limitsProblem}`;
