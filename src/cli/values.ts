/** Reads what a flag was given, or says what it should have been. */
import { InvalidArgumentError } from "commander";

/** A whole number from `min` to `max`. */
export const wholeNumber =
  (min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };

/** Text that is not empty; an unset variable of the shell leaves nothing. `what` has its article: `a folder`. */
export const some =
  (what: string) =>
  (text: string): string => {
    if (text.trim() !== "") return text;
    throw new InvalidArgumentError(`Expected ${what}, got nothing.`);
  };

/** A nano-dollar, the unit of account: whatever is less would be 0. */
const LEAST_DOLLARS = 1e-9;

/** An amount of dollars above zero, with or without the sign. */
export function dollars(text: string): number {
  const value = Number(text.replace(/^\$/, ""));
  if (text.trim() !== "" && Number.isFinite(value) && value >= LEAST_DOLLARS) return value;
  const least = value > 0 && Number.isFinite(value) ? ", and not below 0.000000001" : "";
  throw new InvalidArgumentError(`Expected an amount in dollars above 0, like 0.25${least}.`);
}

/** A share from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a share from 0 to 1, like 0.3.");
}

/** Names, joined by commas. */
export function names(text: string): string[] {
  const given = text.split(",").map((name) => name.trim());
  if (given.every((name) => name !== "")) return [...new Set(given)];
  throw new InvalidArgumentError("Expected names, joined by commas, got an empty one.");
}
