// Histograms of tensors over steps: exact buckets, equal bins to draw, and quantiles.

/** Points of a series: {step, wall, left, right, count}, edges being the event file's numbers. */
export function pointsOf({ step, wall, buckets, count, edges }) {
  let start = 0;
  let edge = 0;
  return Array.from(buckets, (size, i) => {
    const own = {
      linear: () => linearEdges(edges.low[i], edges.high[i], size, edges.single),
      joined: () => ({
        left: edges.edges.subarray(edge, edge + size),
        right: edges.edges.subarray(edge + 1, edge + 1 + size),
      }),
      explicit: () => ({
        left: edges.left.subarray(start, start + size),
        right: edges.right.subarray(start, start + size),
      }),
    }[edges.kind]();
    const point = { step: step[i], wall: wall[i], count: count.subarray(start, start + size), ...own };
    start += size;
    edge += size > 0 ? size + 1 : 0;
    return point;
  });
}

/**
 * The edges of TensorBoard's equal buckets, bit by bit as linspace makes them: in double precision
 * or, for what was written in single precision, with every operation rounded to it.
 */
export function linearEdges(low, high, size, single = false) {
  const round = single ? Math.fround : (value) => value;
  const step = round(round(high - low) / size);
  const edge = (k) => (k === size ? high : round(round(k * step) + low));
  return {
    left: Float64Array.from({ length: size }, (_, k) => edge(k)),
    right: Float64Array.from({ length: size }, (_, k) => edge(k + 1)),
  };
}

// Shares below which a value of a normal distribution lies at −1.5, −1, … 1.5 standard deviations.
export const SHARES = [0, 668, 1587, 3085, 5000, 6915, 8413, 9332, 10000];
export const SHARE_NAMES = ["min", "7%", "16%", "31%", "median", "69%", "84%", "93%", "max"];

/** Quantiles at SHARES by linear interpolation within buckets, as TensorBoard compresses them. */
export function quantiles({ left, right, count }) {
  if (!count.length) return SHARES.map(() => 0);
  const [low, high] = [left[0], right[right.length - 1]];
  const total = count.reduce((sum, part) => sum + part, 0) || 1;
  let sum = 0;
  const weights = Float64Array.from(count, (part) => (sum += (part * 10000) / total));
  return SHARES.map((share) => {
    let i = 0;
    while (i < weights.length && weights[i] <= share) i++;
    for (; i < weights.length; i++) {
      const before = i > 0 ? weights[i - 1] : 0;
      if (weights[i] === before) continue;
      const from = before ? Math.max(right[i - 1], low) : low;
      const to = Math.min(right[i], high);
      return from + ((share - before) * (to - from)) / (weights[i] - before);
    }
    return high;
  });
}

/** Counts in equal bins between two values: a bucket's count goes to bins by their overlap. */
export function rebin({ left, right, count }, low, high, bins = 30) {
  const result = new Float64Array(bins);
  const width = (high - low) / bins;
  const place = (value) => Math.min(bins - 1, Math.max(0, Math.floor((value - low) / width)));
  for (let k = 0; k < count.length; k++) {
    if (!count[k]) continue;
    const span = right[k] - left[k];
    if (!(span > 0)) {
      result[place(left[k])] += count[k];
      continue;
    }
    for (let bin = place(left[k]); bin <= place(right[k]); bin++) {
      const start = bin === 0 ? -Infinity : low + bin * width;
      const end = bin === bins - 1 ? Infinity : low + (bin + 1) * width;
      const overlap = Math.min(right[k], end) - Math.max(left[k], start);
      if (overlap > 0) result[bin] += (count[k] * overlap) / span;
    }
  }
  return result;
}
