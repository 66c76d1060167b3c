// Colours of lines that can be told from the page, whether it is light or dark.

import { useEffect, useState } from "preact/hooks";

const DARK = "(prefers-color-scheme: dark)";
const PAGES = { light: "#ffffff", dark: "#14171c" };

/** Whether the reader prefers a dark page; follows a change of mind. */
export function useDark() {
  const [dark, setDark] = useState(() => matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const follow = () => setDark(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return dark;
}

/** A colour "#rrggbb", moved away from the page's until their contrast is at least 3.2 : 1. */
export function readableColor(color, dark) {
  const page = luminance(parts(dark ? PAGES.dark : PAGES.light));
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = mixColors(color, dark ? "#ffffff" : "#000000", share);
    const [low, high] = [page, luminance(parts(mixed))].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) >= 3.2) return mixed;
  }
  return color;
}

/** A colour of which so much is left, the rest being the page's: paler, but not transparent. */
export function paleColor(color, left, dark) {
  return mixColors(color, dark ? PAGES.dark : PAGES.light, 1 - left);
}

function mixColors(color, other, share) {
  const [own, others] = [color, other].map(parts);
  const mixed = own.map((part, i) => Math.round(part + share * (others[i] - part)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

function parts(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
}

function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
