// Student's t distribution for whole degrees of freedom, from which tests and intervals come.

/** P(|T| <= t): the finite sums of Abramowitz and Stegun (1972), 26.7.3 and 26.7.4. */
function withinProbability(t, freedom) {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < freedom; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The p-value of Student's test in both directions. */
export const twoSided = (t, freedom) => Math.max(0, 1 - withinProbability(t, freedom));

/** The t that |T| stays below with a probability, by bisection. */
export function quantile(probability, freedom) {
  let [low, high] = [0, 1];
  while (withinProbability(high, freedom) < probability) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2;
    if (withinProbability(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * How two series of numbers differ, pair by pair.
 *
 * @param {number[]} first
 * @param {number[]} second as many
 * @returns {{n, first, second, effect, low, high, p, signs}} means, the mean of the differences
 *   (second minus first) with its 95% interval and p-value, null without a spread, and the sign of
 *   each difference
 */
export function comparePairs(first, second) {
  const n = first.length;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / n;
  const differences = second.map((value, i) => value - first[i]);
  // Rounding alone makes differences of this size.
  const noise = 1e-12 * Math.max(...first.map(Math.abs), ...second.map(Math.abs));
  const signs = differences.map((value) => (Math.abs(value) <= noise ? 0 : Math.sign(value)));
  const effect = mean(differences);
  const found = { n, first: mean(first), second: mean(second), effect, low: null, high: null, p: null, signs };
  if (n < 2 || Math.max(...differences) - Math.min(...differences) <= noise) return found;
  const deviation = Math.sqrt(differences.reduce((sum, value) => sum + (value - effect) ** 2, 0) / (n - 1));
  const error = deviation / Math.sqrt(n);
  const half = quantile(0.95, n - 1) * error;
  return { ...found, low: effect - half, high: effect + half, p: twoSided(effect / error, n - 1) };
}
