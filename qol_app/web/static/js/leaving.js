// Whose answers this phone is to forget: those of the questionnaires that somebody hands in or
// signs out of. What another person has on the same phone stays for them.
//
// Said before the form goes, done by the page that comes when it has arrived (clear.js).

const NAME = "qol-leaving";

export function leave(refs) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(refs));
  } catch {
    // What is kept goes by itself within a day.
  }
}

export function stay() {
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // It was never said.
  }
}

export function left() {
  try {
    return JSON.parse(sessionStorage.getItem(NAME)) ?? [];
  } catch {
    return [];
  }
}
