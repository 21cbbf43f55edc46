"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const el = (tag, attributes = {}, html = "") => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.innerHTML = html;
  return node;
};

$("theme").onclick = () => {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
};

function colourBar(node, rows, units, ground = "transparent") {
  node.replaceChildren(...rows.map(([colour, label], number) => {
    const edge = number === 0 ? "" : label.replace("≥ ", "").split(" to ")[0];
    const show = number > 0 && (rows.length < 16 || number % 2 === 1);
    return el("span", {title: `${label} ${units}`}, `<i style="background:linear-gradient(${colour || "transparent"} 0 0), ${ground}"></i>` + (show ? `<em>${edge}</em>` : ""));
  }), el("span", {class: "unit"}, units));
}

/* the map viewer */
const {leads, valid, maps, overlays} = data.viewer;
const names = {isobars: "isobars", wind: "wind barbs (full 10 kt)", waves: "wave direction"};
const state = {map: 0, lead: leads.indexOf(24) >= 0 ? leads.indexOf(24) : 0, off: new Set()};
const miniature = map => `<svg viewBox="0 0 1200 584"${map.dark ? ' class="dark"' : ""}><use href="#globe" class="sea"/><use href="#land" class="landfill"/><image width="1200" height="584" preserveAspectRatio="none"/><use href="#land" class="coast"/></svg>`;

maps.forEach((map, number) => {
  const button = el("button", {type: "button", role: "tab"}, `<small>${map.title}</small>` + miniature(map));
  button.onclick = () => { state.map = number; draw(); };
  $("strip").append(button);
});
leads.forEach((lead, number) => {
  const button = el("button", {type: "button", title: valid[number]}, lead ? `+${lead}` : "0");
  button.onclick = () => { stop(); state.lead = number; draw(); };
  $("leads").append(button);
});
for (const [key, label] of Object.entries(names)) if (overlays[key]) {
  const box = el("label", {"data-key": key}, `<input type="checkbox" checked> ${label}`);
  box.firstChild.onchange = event => { event.target.checked ? state.off.delete(key) : state.off.add(key); draw(); };
  $("toggles").append(box);
}

const pixels = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
let sampled = "";
function place(image, source) { source ? image.setAttribute("href", source) : image.removeAttribute("href"); }

function draw() {
  const map = maps[state.map], source = map.images[state.lead];
  $("map-title").textContent = map.title;
  $("map-valid").innerHTML = `<b>${valid[state.lead]}</b> &nbsp;+${leads[state.lead]} h`;
  place($("hero-image"), source);
  $("none").hidden = !!source;
  $("hero").classList.toggle("dark", map.dark);
  $("overlay").innerHTML = map.over.filter(key => overlays[key] && !state.off.has(key)).map(key => overlays[key][state.lead]).join("");
  for (const box of $("toggles").children) box.hidden = !map.over.includes(box.dataset.key);
  [...$("leads").children].forEach((node, number) => node.setAttribute("aria-pressed", number === state.lead));
  [...$("strip").children].forEach((node, number) => {
    node.setAttribute("aria-selected", number === state.map);
    place(node.querySelector("image"), maps[number].images[state.lead]);
  });
  colourBar($("legend"), map.legend, map.units, map.dark ? "#2b4150" : "transparent");
  $("readout").textContent = "";
}

let timer = 0;
function stop() { clearInterval(timer); timer = 0; $("play").textContent = "▶"; }
const step = by => { state.lead = (state.lead + by + leads.length) % leads.length; draw(); };
$("play").onclick = () => { if (timer) return stop(); timer = setInterval(() => step(1), 700); $("play").textContent = "❚❚"; };
addEventListener("keydown", event => {
  if (event.target.tagName === "INPUT" || event.metaKey || event.ctrlKey) return;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") { stop(); step(event.key === "ArrowRight" ? 1 : -1); event.preventDefault(); }
  const number = +event.key; if (number >= 1 && number <= maps.length) { state.map = number - 1; draw(); }
});

/* regions: a window of the map, by its middle and width in map pixels */
const regions = {Globe: [0, 11, 1200], "North America": [44, -98, 330], Europe: [51, 14, 230], Africa: [3, 18, 400],
  Asia: [32, 95, 400], Australia: [-26, 140, 300], "South America": [-22, -60, 400], "North Atlantic": [35, -42, 330]};
const earthShape = [1.340264, -0.081106, 0.000893, 0.003796];
function onMap(latitude, longitude) {
  const [a, b, c, d] = earthShape, t = Math.asin(Math.sqrt(3) / 2 * Math.sin(latitude * Math.PI / 180)), t2 = t * t, t6 = t2 ** 3;
  const stretch = 2 * Math.sqrt(3) * Math.cos(t) / (3 * (a + 3 * b * t2 + t6 * (7 * c + 9 * d * t2)));
  const edge = 2 * Math.PI / (Math.sqrt(3) * a), east = ((longitude - 11 + 540) % 360 - 180) * Math.PI / 180;
  return [(stretch * east / edge + 1) * 600, (1 - t * (a + b * t2 + t6 * (c + d * t2)) / 1.3173627591574133) * 292];
}
let view = [0, 0, 1200, 584];
Object.entries(regions).forEach(([name, [latitude, longitude, width]], number) => {
  const button = el("button", {type: "button", "aria-pressed": number === 0}, name);
  button.onclick = () => {
    const [x, y] = onMap(latitude, longitude), height = width * 584 / 1200;
    view = [Math.min(Math.max(x - width / 2, 0), 1200 - width), Math.min(Math.max(y - height / 2, 0), 584 - height), width, height];
    $("hero").setAttribute("viewBox", view.join(" "));
    $("hero").style.setProperty("--zoom", 1200 / width);
    for (const node of $("regions").children) node.setAttribute("aria-pressed", node === button);
  };
  $("regions").append(button);
});

/* what lies under the pointer: the band is found by its colour */
function earth(x, y) {
  const A = earthShape, target = (1 - 2 * y / 584) * 1.3173627591574133;
  let low = -Math.PI / 3, high = -low;
  for (let k = 0; k < 40; k++) {
    const t = (low + high) / 2, t2 = t * t, t6 = t2 * t2 * t2;
    t * (A[0] + A[1] * t2 + t6 * (A[2] + A[3] * t2)) < target ? low = t : high = t;
  }
  const t2 = low * low, t6 = t2 * t2 * t2, slope = A[0] + 3 * A[1] * t2 + t6 * (7 * A[2] + 9 * A[3] * t2);
  const stretch = 2 * Math.sqrt(3) * Math.cos(low) / (3 * slope), edge = 2 * Math.PI / (Math.sqrt(3) * A[0]);
  const east = (2 * x / 1200 - 1) * edge / stretch;
  return [Math.asin(2 / Math.sqrt(3) * Math.sin(low)) * 180 / Math.PI, east * 180 / Math.PI];
}
$("hero").addEventListener("pointermove", event => {
  const map = maps[state.map], source = map.images[state.lead], box = $("hero").getBoundingClientRect();
  const x = view[0] + (event.clientX - box.left) / box.width * view[2], y = view[1] + (event.clientY - box.top) / box.height * view[3];
  if (!source) return;
  if (sampled !== source) {
    const image = new Image(); image.src = source; sampled = source;
    image.onload = () => { Object.assign(pixels.canvas, {width: image.width, height: image.height}); pixels.drawImage(image, 0, 0); };
    return;
  }
  const [latitude, east] = earth(x, y);
  if (Math.abs(east) > 180) { $("readout").textContent = ""; return; }
  const [r, g, b, a] = pixels.getImageData(x * pixels.canvas.width / 1200, y * pixels.canvas.height / 584, 1, 1).data;
  let found = null, least = 1e9;
  map.legend.forEach(([colour, label]) => {
    const part = colour ? colour.match(/[\d.]+/g).map(Number) : [r, g, b, 0];
    const distance = Math.abs(part[0] - r) + Math.abs(part[1] - g) + Math.abs(part[2] - b) + 300 * Math.abs(part[3] - a / 255);
    if (distance < least) { least = distance; found = label; }
  });
  const longitude = (east + 11 + 540) % 360 - 180;
  $("readout").innerHTML = `<b>${found} ${map.units}</b> at ${Math.abs(latitude).toFixed(1)}° ${latitude < 0 ? "S" : "N"} ${Math.abs(longitude).toFixed(1)}° ${longitude < 0 ? "W" : "E"}`;
});
$("hero").addEventListener("pointerleave", () => { $("readout").textContent = ""; });
draw();

/* trust */
const trust = data.trust && {parameter: 0, lead: 0, kind: "weight"};
function chips(node, labels, chosen, choose) {
  node.replaceChildren(...labels.map((label, number) => {
    const button = el("button", {type: "button", "aria-pressed": number === chosen}, label);
    button.onclick = () => { choose(number); drawTrust(); };
    return button;
  }));
}
function drawTrust() {
  const entries = data.trust.parameters, entry = entries[trust.parameter];
  trust.lead = Math.min(trust.lead, entry.leads.length - 1);
  chips($("trust-parameters"), entries.map(one => one.title), trust.parameter, number => { trust.parameter = number; });
  chips($("trust-leads"), entry.leads.map(lead => `+${lead} h`), trust.lead, number => { trust.lead = number; });
  place($("dominant").querySelector("image"), entry.dominant[trust.lead]);
  $("shares").innerHTML = entry.chart;
  $("trust-keys").innerHTML = entry.sources.map(name => `<span><i style="background:${data.palette[name]}"></i>${name}</span>`).join("");
  $("each-wrap").hidden = entry.each.length === 0;
  if (!entry.each.length) return;
  const kinds = ["weight", "bias"];
  chips($("each-kind"), ["weight", "bias taken off"], kinds.indexOf(trust.kind), number => { trust.kind = kinds[number]; });
  colourBar($("each-legend"), data.trust[trust.kind], trust.kind === "weight" ? "%" : "K");
  $("each").replaceChildren(...entry.each.map((one, number) => {
    const figure = el("figure", {}, `<figcaption><span><i class="dot" style="background:${data.palette[entry.sources[number]]}"></i>${entry.sources[number]}</span></figcaption>` + miniature({}));
    place(figure.querySelector("image"), one[trust.kind][trust.lead]);
    return figure;
  }));
}
if (trust) drawTrust();
