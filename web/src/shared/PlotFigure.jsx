// An Observable Plot as a component.

import { plot } from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";
import "./components.css";
import { useWidth } from "./useWidth.js";

/**
 * The picture is drawn again when the options, the label or the width change; so keep the function
 * of the options with useCallback, or give it the values that it depends on as `depends`.
 *
 * @param {(width: number) => object} options of Plot for a width; without a width of their own
 * @param {string} label what the picture shows, for those who can't see it
 * @param {(svg: SVGElement) => void} [onDraw] called with each new picture: it knows its scales
 * @param {Array} [depends] values on whose change the picture is drawn again
 */
export function PlotFigure({ options, label, className = "", onDraw, depends = [options] }) {
  const holder = useRef();
  const width = useWidth(holder);
  useEffect(() => {
    if (!width) return;
    const picture = plot({ width, style: { fontSize: "12px", overflow: "visible" }, ...options(width) });
    const svg = picture.matches("svg") ? picture : picture.querySelector("svg:last-of-type");
    if (label) {
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", label);
    } else svg.setAttribute("aria-hidden", "true");
    // Plot names the parts of its picture for readers, which only an img's own name may do here.
    for (const part of svg.querySelectorAll("[aria-label]")) {
      part.classList.add(`plot-${part.getAttribute("aria-label").replaceAll(/\W+/g, "-")}`);
      part.removeAttribute("aria-label");
    }
    holder.current.replaceChildren(picture);
    onDraw?.(picture);
  }, [width, label, ...depends]);
  return <div ref={holder} class={`plot-figure ${className}`} />;
}
