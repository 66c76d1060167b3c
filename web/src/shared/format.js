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
