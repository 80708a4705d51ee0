/** When files are to expire: the same rules for uploads and for what batches put out. */
import { badRequest } from "../api-error.ts";

const SHORTEST_LIFE_S = 3600;
const LONGEST_LIFE_S = 2_592_000;

/** Throws an `ApiError` for anything but a policy of the provider's; undefined where there is none. */
export function checkExpiry(anchor: unknown, seconds: unknown, name: string): number | undefined {
  if (anchor === undefined && seconds === undefined) return undefined;
  if (anchor !== "created_at") {
    throw badRequest(
      `Invalid value: '${String(anchor)}'. Supported values are: 'created_at'.`,
      `${name}.anchor`,
      "invalid_value",
    );
  }
  if (Number.isInteger(seconds) && Number(seconds) >= SHORTEST_LIFE_S && Number(seconds) <= LONGEST_LIFE_S) {
    return Number(seconds);
  }
  throw badRequest(
    `Invalid '${name}.seconds': expected an integer from ${SHORTEST_LIFE_S} to ${LONGEST_LIFE_S}, but got '${String(seconds)}' instead.`,
    `${name}.seconds`,
    "invalid_value",
  );
}
