// Fully connected networks as the library computes them: forward steps, losses, inactive units.

/** Below this share of its activation's steepest slope, a unit hardly passes on any gradient. */
export const SATURATED = 0.05;

/**
 * An activation with its settings.
 *
 * @param {string} form JavaScript, a function of the settings that gives `value`, z -> f(z), and
 *   `slope`, (z, a) -> f'(z) given a = f(z), and where they are not 1 `steepest`, the largest |f'|,
 *   and `pieces`, net inputs of a unit, of which `forward` takes the largest
 * @param {object} settings
 */
export function makeActivation(form, settings) {
  return { steepest: 1, pieces: 1, ...new Function(`return (${form});`)()(settings) };
}

/**
 * One forward step.
 *
 * @param {Array<{data, rows, columns}>} layers weights, rows by columns, the bias last
 * @param {object} activation of the hidden layers
 * @param {ArrayLike<number>} x points, one after another
 * @param {number} count of points
 * @returns {{logits: Float64Array, classes: number, hidden: Array<{net, value, rows, units}>}}
 *   all arrays point by point
 */
export function forward(layers, activation, x, count) {
  let inputs = x;
  const hidden = [];
  for (const [number, { data, rows, columns }] of layers.entries()) {
    const fanIn = columns - 1;
    const net = new Float64Array(count * rows);
    for (let point = 0; point < count; point++)
      for (let row = 0; row < rows; row++) {
        const start = row * columns;
        let sum = data[start + fanIn];
        for (let i = 0; i < fanIn; i++) sum += data[start + i] * inputs[point * fanIn + i];
        net[point * rows + row] = sum;
      }
    if (number === layers.length - 1) return { logits: net, classes: rows, hidden };
    const units = rows / activation.pieces;
    const value = activation.pieces > 1 ? largestOf(net, rows, units) : net.map(activation.value);
    hidden.push({ net, value, rows, units });
    inputs = value;
  }
}

/** The largest piece of each unit: a point's pieces stand block by block. */
function largestOf(net, rows, units) {
  const value = new Float64Array((net.length / rows) * units).fill(-Infinity);
  for (let index = 0; index < net.length; index++) {
    const point = Math.floor(index / rows);
    const place = point * units + ((index % rows) % units);
    if (net[index] > value[place] || Number.isNaN(net[index])) value[place] = net[index];
  }
  return value;
}

/** Probability of each class at each point, in place of the logits. */
export function probabilities({ logits, classes }) {
  const shares = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const own = logits.subarray(start, start + classes);
    const largest = Math.max(...own);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += shares[start + k] = Math.exp(own[k] - largest);
    for (let k = 0; k < classes; k++) shares[start + k] /= sum;
  }
  return shares;
}

/** Mean cross-entropy and accuracy; a published softmax overflows as its code does. */
export function measure({ logits, classes }, labels, published) {
  let [loss, correct] = [0, 0];
  for (let point = 0; point < labels.length; point++) {
    const own = logits.subarray(point * classes, (point + 1) * classes);
    const chosen = own[labels[point]];
    const shift = published ? 0 : Math.max(...own);
    let sum = 0;
    for (const logit of own) sum += Math.exp(logit - shift);
    loss += published ? -Math.log(Math.exp(chosen) / sum) : Math.log(sum) + shift - chosen;
    if (own.indexOf(Math.max(...own)) === labels[point]) correct += 1;
  }
  return { loss: loss / labels.length, accuracy: correct / labels.length };
}

/** (λ₂/2) Σ W² + λ₁ Σ |W| over all weights but the biases. */
export function penalty(layers, l2, l1) {
  let total = 0;
  for (const { data, columns } of layers)
    for (let i = 0; i < data.length; i++)
      if (i % columns !== columns - 1)
        total += 0.5 * l2 * data[i] * data[i] + l1 * Math.abs(data[i]);
  return total;
}

/**
 * For each unit of a hidden layer (of maxout: each piece) the share of points at which it is
 * saturated; 1 is a dead unit.
 */
export function inactiveUnits({ net, value, rows, units }, activation) {
  const shares = new Float64Array(rows);
  const count = net.length / rows;
  for (let point = 0; point < count; point++) {
    const taken = new Uint8Array(units);
    for (let row = 0; row < rows; row++) {
      const z = net[point * rows + row];
      const a = value[point * units + (row % units)];
      let slope;
      if (activation.pieces > 1) {
        // The first of equals counts as the largest.
        slope = z === a && !taken[row % units] ? 1 : 0;
        if (slope) taken[row % units] = 1;
      } else slope = activation.slope(z, a);
      if (Math.abs(slope) < SATURATED * activation.steepest) shares[row] += 1 / count;
    }
  }
  return shares.map((share) => (share > 1 - 0.5 / count ? 1 : share));
}
