// Ticks of an axis with texts that have the digits to tell them apart and no more.

/** [{at, text}] of a d3 scale: linear, log or time; `whole`: of whole numbers only. */
export function ticksOf(scale, count, whole = false) {
  if (scale.base) {
    const format = scale.tickFormat(count);
    const ticks = scale.ticks(count).filter((value) => format(value) !== "");
    const every = Math.ceil(ticks.length / (count + 2));
    return ticks.filter((_, i) => i % every === 0).map((at) => ({ at, text: short(at) }));
  }
  const ticks = scale.ticks(count).filter((at) => !whole || Number.isInteger(at));
  if (ticks[0] instanceof Date) {
    const format = scale.tickFormat(count);
    return ticks.map((at) => ({ at, text: format(at) }));
  }
  const texts = numberTexts(ticks);
  return ticks.map((at, i) => ({ at, text: texts[i] }));
}

function short(value) {
  const size = Math.abs(value);
  const text =
    size >= 1e5 || size < 1e-3
      ? value.toExponential()
      : value.toLocaleString("en-US", { maximumSignificantDigits: 6 });
  return text.replace("e+", "e").replaceAll("-", "−");
}

/** Texts of equally spaced numbers, all with the same number of decimals. */
export function numberTexts(values) {
  const largest = Math.max(...values.map(Math.abs));
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) : largest || 1;
  const tidy = (text) => text.replace("e+", "e").replaceAll("-", "−");
  if (largest >= 1e6 || (largest < 1e-3 && largest > 0)) {
    for (let digits = 0; digits < 8; digits++) {
      const texts = values.map((value) => (value === 0 ? "0" : value.toExponential(digits)));
      if (values.every((value, i) => Math.abs(Number(texts[i]) - value) < step / 50))
        return texts.map(tidy);
    }
  }
  const decimals = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return values.map((value) =>
    tidy(
      value.toLocaleString("en-US", {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
      }),
    ),
  );
}
