// Text from evidence is written by intruders. It reaches the page through these functions and nowhere else, always as text nodes:
// nothing here, or in any other file of the page, parses markup.

const byId = (id) => document.getElementById(id);

// Controls, format characters (bidirectional and zero-width ones among them), line separators, private use, halves of surrogates.
const TREACHEROUS = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

const codeName = (c) => "⟨U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩";

// visible names the characters that would turn, hide or control text.
const visible = (text) => String(text).replace(TREACHEROUS, codeName);

// put appends a value's text to a node, the characters that were named set off. Line breaks stay where the node is for blocks of text.
function put(node, text, block) {
  text = String(text);
  let at = 0;
  for (const match of text.matchAll(TREACHEROUS)) {
    if (block && (match[0] === "\n" || match[0] === "\t")) continue;
    if (block && match[0] === "\r" && text[match.index + 1] === "\n") {
      node.append(text.slice(at, match.index));
      at = match.index + 1;
      continue;
    }
    node.append(text.slice(at, match.index));
    node.append(el("span", { class: "ctl", title: "a character that does not show by itself" }, codeName(match[0])));
    at = match.index + match[0].length;
  }
  node.append(text.slice(at));
  return node;
}

// el makes an element; attributes are only ever names from this page's own source. Children are nodes or text.
function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const key in attributes || {}) {
    const value = attributes[key];
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

function replace(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

const count = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const plural = (n, one, many) => (n === 1 ? "1 " + one : count(n) + " " + many);

function size(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let u = 0;
  while (bytes >= 1024 && u < units.length - 1) { bytes /= 1024; u++; }
  return (u && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[u];
}

const LEVELS = ["critical", "high", "medium", "low", "informational", ""]; // gravest first
const RANK = { critical: 5, high: 4, medium: 3, low: 2, informational: 1, "": 0 };
const levelName = (level) => level || "no level";
const levelClass = (level) => "lv-" + (level || "none");
const badge = (level) => el("span", { class: "badge " + levelClass(level) }, levelName(level));

// Times are microseconds since 1970 UTC; NaN for none.
function timeText(us, digits) {
  if (Number.isNaN(us)) return "no time";
  const d = new Date(Math.floor(us / 1000));
  if (Number.isNaN(d.getTime())) return "no time";
  const text = d.toISOString().replace("T", " ");
  return digits === "day" ? text.slice(0, 10) : digits === "minute" ? text.slice(0, 16) : text.slice(0, 19);
}

// fullTime gives all digits that were recorded.
function fullTime(us, nanos) {
  if (Number.isNaN(us)) return "no time";
  const second = Math.floor(us / 1e6);
  const rest = String(us - second * 1e6).padStart(6, "0") + String(nanos || 0).padStart(3, "0");
  const fraction = rest.replace(/0+$/, "");
  return new Date(second * 1000).toISOString().slice(0, 19) + (fraction ? "." + fraction : "") + "Z";
}

// readTime reads a day or a time, UTC, as microseconds; NaN when it is none.
function readTime(text) {
  const m = /^\s*(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?)(?::(\d\d?))?(?::(\d\d?)(?:\.\d+)?)?)?\s*Z?\s*$/.exec(text);
  if (!m) return NaN;
  return Date.UTC(+m[1], m[2] - 1, +m[3], +(m[4] || 0), +(m[5] || 0), +(m[6] || 0)) * 1000;
}

// fromRFC reads a certificate's time as microseconds.
const fromRFC = (text) => (text ? Date.parse(text) * 1000 : NaN);
