// What the time machine holds of one cell and seed, and what its network does at a snapshot.

import {
  forward,
  inactiveUnits,
  makeActivation,
  measure,
  penalty,
} from "./network.js";

const BINS = 24;

/** One run: a cell's record with one of its seeds. */
export class Run {
  constructor(record, dataset, seed) {
    this.record = record;
    this.dataset = dataset;
    this.place = [...record.seeds.data].indexOf(seed);
    this.activation = makeActivation(record.activation);
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

  forward(number, x, count) {
    return forward(this.layers(number), this.activation, x, count);
  }

  /** Loss and accuracy on each part of the points, and inactive units; kept once computed. */
  state(number) {
    if (!this.states.has(number)) this.states.set(number, this.computeState(number));
    return this.states.get(number);
  }

  computeState(number) {
    const { l1, l2, arithmetic } = this.record;
    const extra = penalty(this.layers(number), l2, l1);
    const state = { units: null };
    for (const [part, { x, label }] of Object.entries(this.dataset.parts)) {
      const step = this.forward(number, x.data, label.data.length);
      const { loss, accuracy } = measure(step, label.data, arithmetic === "published");
      state[part] = { loss: loss + extra, accuracy };
      if (part === "train")
        state.units = step.hidden.map((layer) => inactiveUnits(layer, this.activation));
    }
    return state;
  }

  /** Recorded and recomputed losses together: rows {pass, loss, part}, in the order of passes. */
  losses(part) {
    const { time, [`${part}_loss`]: values } = this.record.record;
    const recorded = [...(time?.data ?? [])].map((pass, i) => [
      pass,
      values.data[this.place * time.data.length + i],
    ]);
    const computed = this.dataset.parts[part]
      ? this.passes.map((pass, number) => [pass, this.state(number)[part].loss])
      : [];
    return [...new Map([...computed, ...recorded])]
      .filter(([pass, loss]) => Number.isFinite(loss) && !(this.divergedAt !== null && pass >= this.divergedAt))
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
