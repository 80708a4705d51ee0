/** Paces requests. */
export interface Limits {
  requestsPerMinute?: number | undefined;
  tokensPerMinute?: number | undefined;
}
export interface PermitRequest {
  model: string;
  tokens: number;
  conversation?: string | undefined;
  priority?: "interactive" | "bulk" | undefined;
  signal?: AbortSignal | undefined;
}
export interface Permit {
  readonly waitedMs: number;
  settle(outcome: { tokens?: number | undefined; headers?: Headers | undefined }): void;
  rejected(outcome: { retryAfterMs?: number | undefined; headers?: Headers | undefined }): void;
}
export interface Limiter {
  acquire(request: PermitRequest): Promise<Permit>;
  limitsOf(model: string): Limits;
}
export function createLimiter(_options: {
  limits?: Limits | ((model: string) => Limits | undefined) | undefined;
  clock?: () => number;
  random?: () => number;
}): Limiter {
  return {
    acquire: async () => ({ waitedMs: 0, settle: () => undefined, rejected: () => undefined }),
    limitsOf: () => ({}),
  };
}
