// What scripts say, taken from the page, which is in the participant's language.

const element = document.getElementById("words");

export const words = element ? element.dataset : {};

export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
