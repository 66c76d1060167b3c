// Images: a card per tag and run with a slider over the steps.

import { useEffect, useState } from "preact/hooks";
import { Breakable } from "../shared/Breakable.jsx";
import { counted, formatNumber } from "../shared/format.js";
import { CardHead } from "./ScalarCard.jsx";
import { Check } from "./Scalars.jsx";
import { Swatch } from "./RunsPanel.jsx";
import { TagFilter, TagGroups } from "./TagGroups.jsx";
import { nearest } from "./curves.js";
import { useBlock } from "./data.js";
import { fileName } from "./picture.js";

const KINDS = [
  [[0x89, 0x50], "png"],
  [[0xff, 0xd8], "jpeg"],
  [[0x47, 0x49], "gif"],
  [[0x52, 0x49], "webp"],
  [[0x42, 0x4d], "bmp"],
];
// Smaller pictures are enlarged by whole factors up to about this width.
const LEGIBLE = 320;

export function Images({ index, visible, state, change }) {
  const slider = (name, label) => (
    <label class="field">
      {label}
      <span>
        <input
          type="range"
          min="0"
          max="3"
          step="0.05"
          value={state[name]}
          onInput={(event) => change({ [name]: Number(event.currentTarget.value) })}
        />
        <output>{formatNumber(state[name])}</output>
      </span>
    </label>
  );
  return (
    <>
      <div class="bar controls">
        {slider("brightness", "Brightness")}
        {slider("contrast", "Contrast")}
        <button
          type="button"
          disabled={state.brightness === 1 && state.contrast === 1}
          onClick={() => change({ brightness: 1, contrast: 1 })}
        >
          Reset
        </button>
        <Check
          label="Actual size"
          checked={state.actual}
          onChange={(actual) => change({ actual })}
        />
        <TagFilter state={state} change={change} />
      </div>
      <TagGroups
        tags={index.images}
        state={state}
        change={change}
        several={visible.size > 1}
        card={({ tag, label, description, index: place }) => (
          <ImageCards {...{ tag, label, description, place, visible, state, change }} />
        )}
      />
    </>
  );
}

function ImageCards({ tag, label, description, place, visible, state, change }) {
  const block = useBlock(`images-${place}`);
  if (!block) return <p class="muted empty card">Reading…</p>;
  const found = block.series.filter(({ run, step }) => visible.has(run) && step.length);
  if (!found.length)
    return (
      <article class="card" data-tag={tag}>
        <CardHead {...{ tag, label, description, state, change }} />
        <p class="muted empty">No run that is shown has this tag.</p>
      </article>
    );
  return found.map((series) => (
    <ImageCard
      key={series.run}
      {...{ tag, label, description, series, state, change }}
      run={visible.get(series.run)}
    />
  ));
}

function ImageCard({ tag, label, description, series, run, state, change }) {
  const { step, wall, pictures, width } = series;
  const current = state.step < 0 ? step.length - 1 : nearest(step, state.step);
  const factor = state.actual ? 1 : Math.max(1, Math.floor(LEGIBLE / width));
  const show = (i) => change({ step: i === step.length - 1 ? -1 : step[i] });
  return (
    <article class="card image" data-tag={tag} data-run={run.name}>
      <CardHead {...{ tag, label, description, state, change }} />
      <p class="of-run small">
        <Swatch color={run.color} dash={run.dash} /> <Breakable text={run.label} />
      </p>
      <div class="pictures">
        {pictures[current].map((bytes, i) => (
          <Picture
            key={i}
            bytes={bytes}
            name={`${fileName(tag)}-${step[current]}${pictures[current].length > 1 ? `-${i}` : ""}`}
            alt={`${tag} of ${run.label} at step ${step[current]}${pictures[current].length > 1 ? `, number ${i + 1}` : ""}`}
            width={width * factor}
            style={{
              imageRendering: factor > 1 ? "pixelated" : "auto",
              filter:
                state.brightness === 1 && state.contrast === 1
                  ? undefined
                  : `contrast(${state.contrast}) brightness(${state.brightness})`,
            }}
          />
        ))}
      </div>
      {step.length > 1 && (
        <label class="step">
          <span class="only-read">Step of {tag}</span>
          <input
            type="range"
            min="0"
            max={step.length - 1}
            value={current}
            aria-valuetext={`step ${formatNumber(step[current])}`}
            onInput={(event) => show(Number(event.currentTarget.value))}
          />
        </label>
      )}
      <p class="muted small">
        step {formatNumber(step[current])} · {new Date(wall[current] * 1000).toLocaleString("sv-SE")} ·{" "}
        {`${series.width}\u00a0×\u00a0${series.height}\u00a0pixels`}
        {pictures[current].length > 1 && ` · ${counted(pictures[current].length, "picture")}`}
        {series.of > step.length && ` · ${step.length} of ${series.of} steps are in this page`}
      </p>
    </article>
  );
}

function Picture({ bytes, name, alt, ...look }) {
  const [address, setAddress] = useState(null);
  const kind = KINDS.find(([start]) => start.every((byte, i) => bytes[i] === byte))?.[1] ?? "png";
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([bytes], { type: `image/${kind}` }));
    setAddress(url);
    return () => URL.revokeObjectURL(url);
  }, [bytes]);
  return (
    address && (
      <a href={address} download={`${name}.${kind}`} title="Download the picture">
        <img src={address} alt={alt} {...look} />
      </a>
    )
  );
}
