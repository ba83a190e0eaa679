// The page's whole behaviour. What comes from files and from the server is only ever set as text.

const ABREAST = 4; // pictures that are asked about at once
const CLASSES = 5; // that a card shows
const byId = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

const cards = new Map(); // by the list item, the newest last: its file, its name, and the request under way
let limits = { bytes: Infinity, pictures: Infinity };
let asking = 0;
let waiting = [];

async function fetched(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer, or the file cannot be read.");
  }
  const body = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(body.error);
  return body;
}

// The network

async function listRuns() {
  const select = byId("run");
  try {
    const found = await fetched("api/runs");
    limits = found.limits;
    byId("limits").textContent =
      `Up to ${limits.pictures} at once, ${Math.round(limits.bytes / 2 ** 20)} MB each. They are answered on the ` +
      "machine that serves this page, and not stored.";
    const options = found.runs.map((run) => {
      const crown = run.run_id === found.champion ? "champion: " : "";
      return new Option(`${crown}${run.name} (${found.objective} ${run.value.toFixed(4)})`, run.run_id);
    });
    if (!found.runs.some((run) => run.run_id === found.first)) options.unshift(new Option(found.first, found.first));
    options.sort((one, other) => (other.value === found.champion) - (one.value === found.champion));
    select.replaceChildren(...options);
    select.value = found.first;
    select.disabled = false;
    await tellOfRun();
  } catch (error) {
    say(`The runs cannot be listed: ${error.message}`);
  }
  work();
}

async function tellOfRun() {
  const run = byId("run").value;
  const found = await fetched(`api/runs/${run}`);
  if (run !== byId("run").value) return;
  byId("figures").replaceChildren(
    ...Object.entries(found.figures).map(([name, text]) => {
      const row = document.createElement("div");
      row.append(element("dt", "", name), element("dd", "", text));
      return row;
    }),
  );
  const link = byId("page-link");
  if (found.page) {
    const anchor = element("a", "", "Its page in the MLflow UI");
    Object.assign(anchor, { href: found.page, target: "_blank", rel: "noreferrer" });
    link.replaceChildren(anchor);
  } else {
    link.textContent = "For its page in the MLflow UI, start catdog ui on this machine.";
  }
}

function switchRun() {
  tellOfRun().catch((error) => say(`This run cannot be shown: ${error.message}`));
  for (const item of cards.keys()) ask(item);
}

// Pictures

function take(files, nothing) {
  const pictures = [...files];
  if (!pictures.length) {
    if (nothing) say(nothing);
    return;
  }
  if (pictures.length > limits.pictures) say(`The first ${limits.pictures} of ${pictures.length} pictures are taken.`);
  for (const file of pictures.slice(0, limits.pictures)) add(file);
}

function add(file) {
  const item = byId("card").content.firstElementChild.cloneNode(true);
  const name = file.name || "pasted picture";
  item.querySelector("h3").textContent = name;
  item.querySelector(".remove").setAttribute("aria-label", `Remove ${name}`);
  item.querySelector(".remove").addEventListener("click", () => remove(item));
  item.querySelector(".again").setAttribute("aria-label", `Try ${name} again`);
  item.querySelector(".again").addEventListener("click", () => ask(item));
  cards.set(item, { file, name, request: null });
  byId("cards").prepend(item);
  byId("clear").disabled = false;
  ask(item);
}

function remove(item) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  forget(item);
  (next?.querySelector(".remove") ?? byId("choose")).focus();
  say(cards.size ? `${cards.size} left.` : "No picture yet.");
}

function forget(item) {
  cards.get(item).request?.abort();
  waiting = waiting.filter((each) => each !== item);
  cards.delete(item);
  item.remove();
  byId("clear").disabled = !cards.size;
}

function clear() {
  for (const item of [...cards.keys()]) forget(item);
  byId("choose").focus();
  say("No picture yet.");
}

// Questions and answers

function ask(item) {
  const card = cards.get(item);
  card.request?.abort();
  item.className = "card asking";
  item.querySelector(".again").hidden = true;
  item.querySelector(".label").textContent = "Asking…";
  if (!waiting.includes(item)) waiting.push(item);
  work();
}

function work() {
  while (!byId("run").disabled && waiting.length && asking < ABREAST) {
    const item = waiting.shift();
    asking += 1;
    answer(item).finally(() => {
      asking -= 1;
      work();
    });
  }
}

async function answer(item) {
  const card = cards.get(item);
  const request = new AbortController();
  card.request = request;
  try {
    if (card.file.size > limits.bytes) {
      throw new Error(`too large: a picture's file may have ${Math.round(limits.bytes / 2 ** 20)} MB here`);
    }
    const found = await fetched(`api/runs/${byId("run").value}/answers`, {
      method: "POST",
      headers: { "X-Catdog": "1", "Content-Type": "application/octet-stream" },
      body: card.file,
      signal: request.signal,
    });
    show(item, card, found);
  } catch (error) {
    if (request.signal.aborted) return;
    fail(item, card, error.message);
  }
}

function show(item, card, found) {
  const likeliest = percent(found.probabilities[found.label]);
  item.className = "card";
  item.querySelector(".label").textContent = found.label;
  const picture = item.querySelector(".picture");
  Object.assign(picture, { src: found.square, alt: `${card.name}, its middle square`, hidden: false });
  const heat = item.querySelector(".heat");
  heat.hidden = !found.heat;
  if (found.heat) heat.src = found.heat;
  const ranked = Object.entries(found.probabilities).sort((one, other) => other[1] - one[1]);
  item.querySelector(".classes").replaceChildren(...ranked.slice(0, CLASSES).map(([name, share]) => bar(name, share)));
  const where = found.heat_at ? `Most of what spoke for ${found.label} is ${found.heat_at}, where it glows.` : "";
  item.querySelector(".why").textContent = where || found.no_heat || `No place spoke for ${found.label} by itself.`;
  say(`${card.name}: ${found.label}, ${likeliest}.${left()}`);
}

function bar(name, share) {
  const row = element("li", "", "");
  const track = element("span", "track", "");
  const fill = element("div", "fill", "");
  track.setAttribute("aria-hidden", "true");
  track.append(fill);
  row.append(element("span", "name", name), element("span", "share", percent(share)), track);
  requestAnimationFrame(() => requestAnimationFrame(() => (fill.style.width = `${100 * share}%`)));
  return row;
}

function fail(item, card, reason) {
  item.className = "card failed";
  item.querySelector(".label").textContent = reason;
  item.querySelector(".again").hidden = false;
  say(`${card.name}: ${reason}.${left()}`);
}

function left() {
  const under = waiting.length + asking - 1;
  return under > 0 ? ` ${under} to come.` : "";
}

function say(text) {
  byId("status").textContent = text;
}

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

// What the user does

byId("camera").hidden = !navigator.maxTouchPoints;
byId("about").open = matchMedia("(min-width: 56rem)").matches; // where it stands beside the answers

for (const id of ["choose", "take"]) {
  byId(id).addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = ""; // so that the same picture can be chosen again
  });
}
byId("run").addEventListener("change", switchRun);
byId("clear").addEventListener("click", clear);
byId("heat").addEventListener("change", (event) => byId("cards").classList.toggle("no-heat", !event.target.checked));

document.addEventListener("paste", (event) => take(event.clipboardData.files, "There is no picture to paste."));

let inside = 0; // dragenter and dragleave come for each element on the way
const over = (change) => {
  inside = Math.max(0, inside + change);
  byId("drop").classList.toggle("over", inside > 0);
};
document.addEventListener("dragenter", () => over(1));
document.addEventListener("dragleave", () => over(-1));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  over(-inside);
  take(event.dataTransfer.files, "That was no file: save the picture first, or copy and paste it.");
});

listRuns();
