// A chart as an SVG file that explains itself: title above, legend below.

import { saveText, toSvg } from "../shared/download.js";

export function savePicture(svg, title, entries) {
  const { width, height } = svg.viewBox.baseVal;
  const style = getComputedStyle(document.documentElement);
  const legend = entries.map(
    ({ label, color, dash }, i) =>
      `<g transform="translate(12,${height + 44 + i * 18})"><line x1="0" x2="22" y1="-4" y2="-4" ` +
      `stroke="${color}" stroke-width="3"${dash ? ` stroke-dasharray="${dash}"` : ""}/>` +
      `<text x="30">${escape(label)}</text></g>`,
  );
  const total = height + 44 + entries.length * 18;
  const text =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" ` +
    `viewBox="0 0 ${width} ${total}" font-family="${escape(style.fontFamily)}" font-size="12" ` +
    `style="background:${style.backgroundColor}" fill="${style.color}">` +
    `<text x="12" y="19" font-size="14" font-weight="600">${escape(title)}</text>` +
    `<g transform="translate(0,28)">${toSvg(svg)}</g>${legend.join("")}</svg>\n`;
  saveText(`${fileName(title)}.svg`, "image/svg+xml", text);
}

export function fileName(tag) {
  return tag.replaceAll(/[^\w.-]+/g, "_");
}

function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replaceAll(/[&<>"]/g, (letter) => names[letter]);
}
