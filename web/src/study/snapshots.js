// What the time machine holds of one cell and seed, and what its network does at a snapshot.

import {
  forward,
  inactiveUnits,
  makeActivation,
  measure,
  penalty,
  probabilities,
} from "./network.js";

const BINS = 24;
const TOLERANCE = 0.02; // by which a loss may differ from the recorded one, as a share of it

/**
 * One run: a cell's record with one of its seeds. Its network is run from its weights, or, where
 * the browser can't, shown by `record.pictures`, which were computed beforehand.
 */
export class Run {
  constructor(record, dataset, seed, forms) {
    this.record = record;
    // Of several draws of the points, seeds take turns; see draw_of in restudy.families.contract.
    this.draws = dataset.drawCount ?? 1;
    this.draw = seed % this.draws;
    this.dataset = this.draws > 1 ? { ...dataset, parts: dataset.draws[this.draw] } : dataset;
    this.place = [...record.seeds.data].indexOf(seed);
    this.pictures = record.pictures ?? null;
    this.activation = this.pictures ? null : makeActivation(forms[record.activation.kind], record.activation);
    this.pieces = this.pictures?.pieces ?? this.activation?.pieces ?? 1;
    this.passes = [...record.passes.data];
    this.divergedAt = record.diverged[this.place];
    this.states = new Map();
    this.histograms = record.layers.map((_, layer) => this.histogramsOf(layer));
  }

  /** Number of the last snapshot at or before a pass. */
  at(pass) {
    let number = 0;
    while (number + 1 < this.passes.length && this.passes[number + 1] <= pass) number++;
    return number;
  }

  /** Weights of a snapshot: {data, rows, columns} for each layer, the bias in the last column. */
  layers(number) {
    return this.record.layers.map(({ data, shape: [, seeds, rows, columns] }) => {
      const size = rows * columns;
      const start = (number * seeds + this.place) * size;
      return { data: data.subarray(start, start + size), rows, columns };
    });
  }

  /**
   * Probabilities of all classes at the middles of a picture's points, the top row first, and of one
   * more row and column on each side, so that no outline ends inside of the window. A picture that
   * was computed beforehand has a size of its own.
   *
   * @returns {{shares: ArrayLike<number>, classes, columns, rows}} shares point by point
   */
  field(number, [[left, right], [bottom, top]], columns, rows) {
    if (this.pictures) return this.storedField(number);
    const across = columns + 2;
    const count = across * (rows + 2);
    const points = new Float64Array(2 * count);
    for (let i = 0; i < count; i++) {
      points[2 * i] = left + ((right - left) * ((i % across) - 0.5)) / columns;
      points[2 * i + 1] = top - ((top - bottom) * (Math.floor(i / across) - 0.5)) / rows;
    }
    const step = forward(this.layers(number), this.activation, points, count);
    return { shares: probabilities(step), classes: step.classes, columns, rows };
  }

  /** The same from bytes: of each class but the first a field of 255ths. */
  storedField(number) {
    const { data, shape } = this.pictures.plane;
    const [, seeds, stored, high, across] = shape;
    const count = high * across;
    const start = (number * seeds + this.place) * stored * count;
    const classes = stored + 1;
    const shares = new Float64Array(count * classes);
    for (let point = 0; point < count; point++) {
      let rest = 255;
      for (let k = 0; k < stored; k++) {
        const part = data[start + k * count + point];
        shares[point * classes + k + 1] = part / 255;
        rest -= part;
      }
      shares[point * classes] = Math.max(0, rest) / 255;
    }
    return { shares, classes, columns: across - 2, rows: high - 2 };
  }

  /** Loss and accuracy on each part of the points, and inactive units; kept once computed. */
  state(number) {
    if (!this.states.has(number)) this.states.set(number, this.computeState(number));
    return this.states.get(number);
  }

  computeState(number) {
    if (this.pictures) return this.storedState(number);
    const { l1, l2, arithmetic } = this.record;
    const extra = penalty(this.layers(number), l2, l1);
    const state = { units: null };
    for (const [part, { x, label }] of Object.entries(this.dataset.parts)) {
      const step = forward(this.layers(number), this.activation, x.data, label.data.length);
      const { loss, accuracy } = measure(step, label.data, arithmetic === "published");
      state[part] = { loss: loss + extra, accuracy };
      if (part === "train")
        state.units = step.hidden.map((layer) => inactiveUnits(layer, this.activation));
    }
    return state;
  }

  storedState(number) {
    const { units, parts } = this.pictures;
    const take = ({ data, shape: [, seeds, ...rest] }) => {
      const size = rest.reduce((product, length) => product * length, 1);
      const start = (number * seeds + this.place) * size;
      return data.subarray(start, start + size);
    };
    const state = { units: units.map(take) };
    for (const [part, { loss, accuracy }] of Object.entries(parts))
      state[part] = { loss: take(loss)[0], accuracy: take(accuracy)[0] };
    return state;
  }

  /** Recorded losses: [pass, loss] in the order of passes. */
  recordedLosses(part) {
    const { time, [`${part}_loss`]: values } = this.record.record;
    return [...(values ? time.data : [])].map((pass, i) => [pass, values.data[this.place * time.data.length + i]]);
  }

  /**
   * The first snapshot whose training loss is not the recorded one, {pass, recorded, computed}: what
   * the browser runs is another network then, such as one of another activation. Null if all are.
   */
  get mismatch() {
    this.found ??= { mismatch: this.pictures ? null : this.findMismatch() };
    return this.found.mismatch;
  }

  findMismatch() {
    const known = new Map(this.recordedLosses("train"));
    for (const [number, pass] of this.passes.entries()) {
      const [recorded, computed] = [known.get(pass), this.state(number).train?.loss];
      if (!Number.isFinite(recorded) || computed === undefined || this.hasDiverged(pass)) continue;
      if (!(Math.abs(computed - recorded) <= TOLERANCE * Math.max(Math.abs(recorded), TOLERANCE)))
        return { pass, recorded, computed };
    }
    return null;
  }

  hasDiverged(pass) {
    return this.divergedAt !== null && pass >= this.divergedAt;
  }

  /** Recorded losses, and those that are computed from weights: {pass, loss, part}, by pass. */
  losses(part) {
    const computed = this.mismatch
      ? []
      : this.passes.map((pass, number) => [pass, this.state(number)[part]?.loss]);
    return [...new Map([...computed, ...this.recordedLosses(part)])]
      .filter(([pass, loss]) => Number.isFinite(loss) && !this.hasDiverged(pass))
      .sort(([a], [b]) => a - b)
      .map(([pass, loss]) => ({ pass, loss, part }));
  }

  weightsOf(layer, number) {
    const { data, columns } = this.layers(number)[layer];
    return data.filter((_, i) => i % columns !== columns - 1);
  }

  /** Share of a layer's weights in each bin at every snapshot, all on one scale. */
  histogramsOf(layer) {
    const weights = this.passes.map((_, number) => this.weightsOf(layer, number));
    const largest = Math.max(1e-9, ...weights.map((own) => own.reduce((m, w) => Math.max(m, Math.abs(w)), 0)));
    const width = (2 * largest) / BINS;
    const counts = weights.map((own) => {
      const bins = new Array(BINS).fill(0);
      for (const weight of own) bins[Math.min(BINS - 1, Math.floor((weight + largest) / width))] += 1;
      return bins.map((count, i) => ({
        from: -largest + i * width,
        to: -largest + (i + 1) * width,
        share: count / own.length,
      }));
    });
    const highest = Math.max(...counts.flat().map(({ share }) => share));
    return { counts, largest, highest };
  }
}
