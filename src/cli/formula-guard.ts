/** The words of the guard that keeps spreadsheets from running texts as formulas. */
import { count } from "../report/figures.ts";

export const NO_GUARD_FLAG = "--no-formula-guard";
export const NO_GUARD_WORDS =
  "csv: leave texts as they are that a spreadsheet would run as formulas; else ' stands before them";

/** @param texts how many got an apostrophe */
export const guardNotice = (texts: number): string =>
  `${count(texts, "text")} got an apostrophe in front, so that no spreadsheet runs a formula; ${NO_GUARD_FLAG} leaves them as they are.`;
