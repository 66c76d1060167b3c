// Scalars: a card per tag.

import { weightFor } from "./curves.js";
import { ScalarCard } from "./ScalarCard.jsx";
import { TagFilter, TagGroups } from "./TagGroups.jsx";

const AXES = [
  ["step", "Step"],
  ["relative", "Relative"],
  ["wall", "Wall"],
];

/** Buttons of which one is pressed. */
export function Choice({ label, options, value, onChange }) {
  return (
    <div class="choice" role="group" aria-label={label}>
      <span aria-hidden="true">{label}</span>
      <div>
        {options.map(([name, text]) => (
          <button
            key={name}
            type="button"
            aria-pressed={value === name}
            onClick={() => onChange(name)}
          >
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}

export function Check({ label, checked, onChange }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />{" "}
      {label}
    </label>
  );
}

export function Scalars({ index, scalars, visible, state, change }) {
  const weights = scalars.map((series) => weightFor(series, state.smooth));
  const shown = Math.max(0, ...weights);
  const setSmooth = (text) => {
    const value = Math.min(0.999, Math.max(0, Number(text) || 0));
    change({ smooth: value });
  };
  return (
    <>
      <div class="bar controls">
        <label class="field">
          Smoothing
          <span>
            <input
              type="range"
              min="0"
              max="0.999"
              step="0.001"
              value={shown}
              onInput={(event) => setSmooth(event.currentTarget.value)}
            />
            <input
              type="number"
              min="0"
              max="0.999"
              step="0.01"
              aria-label="Smoothing weight"
              value={shown}
              onChange={(event) => setSmooth(event.currentTarget.value)}
            />
          </span>
        </label>
        <Choice
          label="Horizontal axis"
          options={AXES}
          value={state.axis}
          onChange={(axis) => change({ axis, zoom: {} })}
        />
        <span class="checks">
          <Check
            label="Log scale"
            checked={state.log}
            onChange={(log) => change({ log, zoom: {} })}
          />
          <Check
            label="Ignore outliers"
            checked={!state.outliers}
            onChange={(checked) => change({ outliers: !checked })}
          />
        </span>
        <TagFilter state={state} change={change} />
      </div>
      {weights.some((weight) => weight < shown) && (
        <p class="muted">Series with few points are shown as recorded until smoothing is set here.</p>
      )}
      {state.trials && (
        <p class="muted">
          Bold: mean over the runs of a trial that have a finite value at the step. Band:{" "}
          {state.band === "range"
            ? "from the lowest to the highest run"
            : "95% interval of the mean by Student’s distribution"}
          . Each run is smoothed before.
        </p>
      )}
      <TagGroups
        tags={index.scalars}
        state={state}
        change={change}
        card={({ tag, label, description, index: place }) => (
          <ScalarCard
            {...{ tag, label, description, state, change, visible }}
            series={scalars[place]}
          />
        )}
      />
    </>
  );
}
