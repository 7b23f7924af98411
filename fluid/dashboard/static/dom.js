// Small helpers to build what the page shows. Text always goes in as text, never as HTML: ids of
// devices and names of classes are chosen by others.

export const find = (id) => document.getElementById(id);

export function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets a text only where it is another, so that a screen reader is told of changes alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Between a number and its unit no line may end.
const GLUE = "\u00a0";

export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)}${GLUE}%`;
}

/** "a", "a and b", "a, b and c". */
export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

export function milliseconds(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)}${GLUE}s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}${GLUE}ms`;
}
