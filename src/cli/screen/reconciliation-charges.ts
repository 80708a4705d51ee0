/** What was charged, beside what the tokens of both sides lead one to expect. */
import type { Reconciliation } from "../../organization/reconcile.ts";
import { count } from "../../report/figures.ts";
import { type Line, prose, span } from "./line.ts";
import { usdTexts } from "./spending-view.ts";
import { table } from "./table.ts";
import { dayText } from "./utc.ts";

const MOST_DAYS = 3;
const right = "right" as const;

/** Charges that are not there yet, or that name no model. */
function untoldText(rows: Reconciliation["charged"]): string {
  const days = [...new Set(rows.map(({ day }) => dayText(day)))];
  const shown = days.slice(0, MOST_DAYS).join(", ");
  const more = days.length > MOST_DAYS ? ` and ${count(days.length - MOST_DAYS, "more day")}` : "";
  return `No line of the invoice names ${count(rows.length, "row")} of a day and model (${shown}${more}): charges come later than usage.`;
}

export function chargedLines({ charged }: Reconciliation, room: { columns: number; indent: number }): Line[] {
  const narrow = { ...room, columns: Math.min(room.columns, 100) };
  const told = charged.filter(({ chargedNanoUsd }) => chargedNanoUsd !== undefined);
  const untold = charged.filter(({ chargedNanoUsd }) => chargedNanoUsd === undefined);
  const wrong = told.filter(({ isExplained }) => !isExplained);
  const sum = told.reduce((all, { chargedNanoUsd = 0 }) => all + chargedNanoUsd, 0);
  const difference = told.reduce((all, { differenceNanoUsd = 0 }) => all + differenceNanoUsd, 0);
  const rounding = told.reduce((all, { roundingNanoUsd }) => all + roundingNanoUsd, 0);
  const [sumText = "", differenceText = "", roundingText = ""] = [sum, difference, rounding].map(
    (nano) => usdTexts([nano])[0],
  );
  const compared =
    difference === 0
      ? "as the ledger and these differences say, to the nano-dollar"
      : `${differenceText} beside what the ledger and these differences say; rounding explains ${roundingText}`;
  const texts = usdTexts(
    wrong.flatMap(({ expectedNanoUsd = 0, chargedNanoUsd = 0, differenceNanoUsd = 0 }) => [
      expectedNanoUsd,
      chargedNanoUsd,
      differenceNanoUsd,
    ]),
  );
  return [
    ...(told.length === 0 ? [] : [[], ...prose(`Charged ${sumText}: ${compared}.`, narrow)]),
    ...(untold.length === 0 ? [] : prose(untoldText(untold), { ...narrow, style: "quiet" as const })),
    ...(wrong.length === 0
      ? []
      : [
          [],
          ...table(
            [
              { title: "charged otherwise" },
              { title: "model", isWhole: true },
              { title: "expected", align: right },
              { title: "charged", align: right },
              { title: "difference", align: right },
            ],
            wrong.map(({ day, model }, index) => [
              span(dayText(day)),
              span(model),
              ...texts.slice(3 * index, 3 * index + 3).map((text) => span(text)),
            ]),
            room,
          ),
        ]),
  ];
}
