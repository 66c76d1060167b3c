// Numbers as a reader wants them: few digits, no more than are needed to tell them apart.

/** A number with so many significant digits; missing values are "none". */
export function formatNumber(value, digits = 4) {
  if (value === null || value === undefined) return "none";
  if (typeof value !== "number") return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`.replaceAll("-", "−");
  }
  const whole = Number.isInteger(value);
  return value
    .toLocaleString("en-US", whole ? {} : { maximumSignificantDigits: digits })
    .replace("-", "−");
}

/** Seconds as "1.5 s", "2 min 5 s", "3 h 20 min". */
export function formatDuration(seconds) {
  const sign = seconds < 0 ? "−" : "";
  const size = Math.abs(seconds);
  if (size < 60) return `${sign}${formatNumber(size, 3)} s`;
  const whole = Math.round(size);
  if (size < 3600) return `${sign}${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(size / 60);
  return `${sign}${Math.floor(minutes / 60).toLocaleString("en-US")} h ${minutes % 60} min`;
}

/** "1 run", "4 runs". */
export function counted(number, singular, plural = `${singular}s`) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? singular : plural}`;
}

/** "1 line", "all 4 lines". */
export function every(number, singular) {
  return number === 1 ? counted(1, singular) : `all ${counted(number, singular)}`;
}

const MAX_DECIMALS = 6; // a column that needs more is written in powers of ten

/**
 * How a column of numbers is written, with the same digits in every row: the largest has about
 * four, the smallest at least two, unless all have fewer. src/restudy/views/number_format.py does
 * the same.
 *
 * @param {Array<number|null>} values
 * @returns {(value: number|null) => string}
 */
export function columnFormat(values) {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const [high, low] = [Math.max(...sizes), Math.min(...sizes)].map((size) => Math.floor(Math.log10(size)));
  const wanted = sizes.length ? Math.max(0, Math.min(4, 4 - high), 3 - high, 1 - low) : 0;
  let digits = 0;
  while (digits < wanted && !sizes.every((size) => Number(size.toFixed(digits)) === size)) digits++;
  const scientific = digits > MAX_DECIMALS || high >= 15;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const plain = (value) => value.toLocaleString("en-US", options);
  const power = (value) => (value ? value.toExponential(2).replace("e+", "e") : "0");
  return (value) =>
    Number.isFinite(value)
      ? (scientific ? power(value) : plain(value)).replaceAll("-", "−")
      : formatNumber(value);
}
