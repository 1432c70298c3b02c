// A vertical scale beside the number box. It has no mark until one is made, and always agrees
// with the box, which remains the field that is sent.

import { words } from "./words.js";

function add(parent, name) {
  const element = document.createElement("div");
  element.className = name;
  parent.append(element);
  return element;
}

export function scale(place, box, first, last, settled) {
  const length = last - first;
  add(place, "scale-line");
  for (let at = 0; at <= 20; at += 1) {
    const tick = add(place, at % 2 ? "scale-tick" : "scale-tick scale-tick-ten");
    tick.style.top = `${at * 5}%`;
    if (at % 2 === 0) {
      const number = add(place, "scale-number");
      number.style.top = `${at * 5}%`;
      number.textContent = String(Math.round(last - (length * at) / 20));
      number.setAttribute("aria-hidden", "true");
    }
  }
  const mark = add(place, "scale-mark");
  mark.hidden = true;
  place.hidden = false;
  place.tabIndex = 0;
  place.setAttribute("role", "slider");
  place.setAttribute("aria-orientation", "vertical");
  place.setAttribute("aria-label", words.scale);
  place.setAttribute("aria-valuemin", first);
  place.setAttribute("aria-valuemax", last);

  function value() {
    return /^\d{1,4}$/.test(box.value) && box.value >= first && box.value <= last
      ? Number(box.value)
      : null;
  }

  function draw() {
    const now = value();
    mark.hidden = now === null;
    if (now === null) {
      place.setAttribute("aria-valuenow", Math.round((first + last) / 2));
      place.setAttribute("aria-valuetext", "–");
      return;
    }
    mark.style.top = `${((last - now) / length) * 100}%`;
    place.setAttribute("aria-valuenow", now);
    place.setAttribute("aria-valuetext", String(now));
  }

  function choose(next) {
    box.value = String(Math.min(last, Math.max(first, Math.round(next))));
    draw();
  }

  function follow(event) {
    const area = place.getBoundingClientRect();
    choose(last - ((event.clientY - area.top) / area.height) * length);
  }

  place.addEventListener("pointerdown", (event) => {
    place.setPointerCapture(event.pointerId);
    follow(event);
  });
  place.addEventListener("pointermove", (event) => {
    if (place.hasPointerCapture(event.pointerId)) follow(event);
  });
  place.addEventListener("pointerup", () => settled());

  const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
  place.addEventListener("keydown", (event) => {
    const middle = Math.round((first + last) / 2);
    const goal = { Home: first, End: last }[event.key];
    const step = STEPS[event.key];
    if (goal === undefined && step === undefined) return;
    event.preventDefault();
    choose(goal ?? (value() === null ? middle : value() + step));
  });
  place.addEventListener("keyup", (event) => {
    if (event.key in STEPS || event.key === "Home" || event.key === "End") settled();
  });
  box.addEventListener("input", draw);
  box.addEventListener("change", () => { draw(); settled(); });
  draw();
  return value;
}
