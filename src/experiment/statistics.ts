/** The few statistics that results of an experiment need. Pure. */

/** Of a mean: Student's interval, which is exact for values with a normal distribution. */
export interface Estimate {
  /** Values it rests on. */
  n: number;
  /** Undefined: there is no value. */
  mean: number | undefined;
  /** The ends of the 95 % interval; undefined below two values. */
  low: number | undefined;
  high: number | undefined;
}

const CONFIDENCE = 0.95;
/** Beyond, t is the normal distribution's to five figures. */
const MOST_DEGREES = 100_000;
const HALVINGS = 60;

/**
 * P(|T| <= t) of Student's t, as a function of the angle atan(t / sqrt(degrees)); the finite series for whole degrees of
 * freedom, Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
 */
function probabilityWithin(angle: number, degrees: number): number {
  const [sine, squared] = [Math.sin(angle), Math.cos(angle) ** 2];
  const isOdd = degrees % 2 === 1;
  if (degrees === 1) return (2 * angle) / Math.PI;
  let term = isOdd ? Math.cos(angle) : 1;
  let sum = term;
  for (let power = isOdd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= (squared * (power - 1)) / power;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

const known = new Map<number, number>();

/** The t that 95 % of Student's distribution lie within, on both sides. */
export function studentT(degreesOfFreedom: number): number {
  const degrees = Math.min(degreesOfFreedom, MOST_DEGREES);
  const earlier = known.get(degrees);
  if (earlier !== undefined) return earlier;
  let [low, high] = [0, Math.PI / 2];
  for (let step = 0; step < HALVINGS; step += 1) {
    const middle = (low + high) / 2;
    if (probabilityWithin(middle, degrees) < CONFIDENCE) low = middle;
    else high = middle;
  }
  const t = Math.tan(low) * Math.sqrt(degrees);
  known.set(degrees, t);
  return t;
}

/** The mean of the values that are known, with its 95 % interval. */
export function estimate(values: readonly (number | undefined)[]): Estimate {
  const usable = values.filter((value) => value !== undefined);
  const n = usable.length;
  if (n === 0) return { n, mean: undefined, low: undefined, high: undefined };
  const mean = usable.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, low: undefined, high: undefined };
  const variance = usable.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = studentT(n - 1) * Math.sqrt(variance / n);
  return { n, mean, low: mean - half, high: mean + half };
}

/**
 * Gini's coefficient of amounts: 0 where all are equal, (n - 1) / n where one has everything. Undefined without amounts, or
 * where there is nothing to share.
 */
export function gini(amounts: readonly number[]): number | undefined {
  const total = amounts.reduce((sum, amount) => sum + amount, 0);
  if (total === 0) return undefined;
  const n = amounts.length;
  const weighted = [...amounts]
    .sort((a, b) => a - b)
    .reduce((sum, amount, index) => sum + (2 * (index + 1) - n - 1) * amount, 0);
  return weighted / (n * total);
}
