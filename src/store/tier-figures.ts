/** What a run cost at each price tier, of the conversations that have ended. */
import type { Tier } from "../domain/usage.ts";
import type { Figures } from "./progress.ts";
import type { Sql } from "./sql.ts";

/** Requests and cost at one tier, in whole nano-dollars. */
export interface TierFigures
  extends Pick<Figures, "requests" | "costNanoUsd" | "unpricedRequests" | "unpricedBoundNanoUsd"> {
  tier: Tier;
}

/** The dearest first. */
export async function tierFiguresOf(sql: Sql, runId: string): Promise<TierFigures[]> {
  return await sql.query<TierFigures>(
    `select tier, count(*)::int as requests, coalesce(sum(cost_nano_usd), 0)::bigint as "costNanoUsd",
       count(*) filter (where cost_nano_usd is null)::int as "unpricedRequests",
       coalesce(sum(cost_bound_nano_usd) filter (where cost_nano_usd is null), 0)::bigint as "unpricedBoundNanoUsd"
     from dramatis.usage_entries
     where conversation_id in (select id from dramatis.conversations where run_id = $1)
     group by tier order by sum(cost_nano_usd) desc nulls last, tier`,
    [runId],
  );
}
