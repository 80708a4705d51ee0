/** The provider's decimal amounts as whole billionths, exactly. */

const DECIMAL = /^([+-]?)(\d{1,40})(?:\.(\d{0,60}))?(?:[eE]([+-]?\d{1,5}))?$/;
/** Billionths in a unit. */
const NANO_DECIMALS = 9;
/** More digits than any amount that can be told exactly. */
const MOST_DIGITS = 60;

/** Rounded half away from zero. */
function scaled(digits: string, exponent: number): bigint {
  const value = BigInt(digits);
  if (value === 0n) return 0n;
  if (exponent >= 0)
    return exponent > MOST_DIGITS ? 10n ** BigInt(MOST_DIGITS) : value * 10n ** BigInt(exponent);
  if (-exponent > digits.length) return 0n;
  const divisor = 10n ** BigInt(-exponent);
  return (2n * value + divisor) / (2n * divisor);
}

/**
 * `0.0604` is 60,400,000. Numbers are taken as JSON writes them, so `1e-7` is 100; what is less than a billionth is
 * rounded half up, once. Undefined for what is no decimal number, and beyond the greatest safe integer (9 million).
 *
 * The provider documents numbers, and sends decimal texts of many digits as well:
 * https://github.com/steipete/CodexBar/issues/999
 */
export function nanoOf(amount: number | string): number | undefined {
  const [, sign, whole = "", fraction = "", power = "0"] = DECIMAL.exec(String(amount).trim()) ?? [];
  if (sign === undefined) return undefined;
  const nano = Number(scaled(whole + fraction, Number(power) - fraction.length + NANO_DECIMALS));
  if (!Number.isSafeInteger(nano)) return undefined;
  return sign === "-" && nano !== 0 ? -nano : nano;
}
