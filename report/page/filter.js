// The filters and the order of the table are one state, kept in the address behind #, so that a view can be named and come back to.

const state = { q: "", level: null, org: "", host: "", rule: "", technique: "", tactic: "", from: "", until: "", sort: "grave", open: -1 };

// Search texts are made once, the first time that a search needs them.
let haystacks = null;
function searchable() {
  if (haystacks) return haystacks;
  const ruleText = facts.rules.map((r) => (r.title + "\n" + r.id + "\n" + r.tags.join(" ")).toLowerCase());
  const stringText = rows.strings.map((s) => s.toLowerCase());
  haystacks = new Array(rows.n);
  for (let row = 0; row < rows.n; row++) {
    const m = rows.matched[row];
    let text = "";
    for (let k = 1; k < m.length; k += 2) text += "\n" + m[k];
    haystacks[row] = ruleText[rows.rule[row]] + "\n" + stringText[rows.host[row]] + "\n" + stringText[rows.file[row]] + text.toLowerCase();
  }
  return haystacks;
}

// chosen gives the numbers of strings or rules that a typed name means: those of exactly that name, else all that contain it. Names are
// compared as they are shown.
function chosen(names, typed) {
  if (!typed) return null;
  const want = typed.toLowerCase();
  const shown = names.map((name) => visible(name).toLowerCase());
  const hit = new Set();
  shown.forEach((name, i) => { if (name === want) hit.add(i); });
  if (!hit.size) shown.forEach((name, i) => { if (name.includes(want)) hit.add(i); });
  return hit;
}

// passing gives the rows that pass the filters, in the order of the page: gravest first, then by time.
function passing() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = words.length ? searchable() : null;
  const byRule = chosen(facts.rules.map((r) => r.title), state.rule);
  const byHost = chosen(rows.strings, state.host);
  const org = state.org === "" ? -1 : +state.org;
  const from = state.from ? readTime(state.from) : NaN;
  const until = state.until ? readTime(state.until) : NaN;
  const ruleOK = facts.rules.map((r, i) =>
    (!state.level || state.level.has(r.level)) && (!byRule || byRule.has(i)) &&
    (!state.tactic && !state.technique || r.cells.some((c) => (!state.tactic || c.tactic === state.tactic) && (!state.technique || c.technique === state.technique))));
  const out = new Uint32Array(rows.n);
  let n = 0;
  scan: for (let row = 0; row < rows.n; row++) {
    if (!ruleOK[rows.rule[row]]) continue;
    if (org >= 0 && rows.org[row] !== org) continue;
    if (byHost && !byHost.has(rows.host[row])) continue;
    if (!Number.isNaN(from) && !(rows.time[row] >= from)) continue;
    if (!Number.isNaN(until) && !(rows.time[row] < until)) continue;
    for (const word of words) if (!texts[row].includes(word)) continue scan;
    out[n++] = row;
  }
  return out.subarray(0, n);
}

// sorted orders rows as the state says. Equal ones keep the order of the page.
function sorted(list) {
  const down = state.sort.startsWith("-");
  const key = state.sort.replace("-", "");
  if (key === "grave") return list;
  const collate = new Intl.Collator("en", { numeric: true });
  const rank = (names) => {
    const order = names.map((_, i) => i).sort((a, b) => collate.compare(names[a], names[b]));
    const place = new Uint32Array(names.length);
    order.forEach((i, at) => { place[i] = at; });
    return place;
  };
  let value;
  if (key === "time") value = (row) => (Number.isNaN(rows.time[row]) ? -Infinity : rows.time[row]);
  else if (key === "level") { const r = facts.rules.map((x) => RANK[x.level]); value = (row) => r[rows.rule[row]]; }
  else if (key === "rule") { const r = rank(facts.rules.map((x) => x.title)); value = (row) => r[rows.rule[row]]; }
  else if (key === "host") { const r = rank(rows.strings); value = (row) => r[rows.host[row]]; }
  else if (key === "org") { const r = rank(facts.orgs.map((o) => o.name)); value = (row) => r[rows.org[row]]; }
  else return list;
  const keys = new Float64Array(rows.n);
  for (const row of list) keys[row] = value(row);
  return list.slice().sort(down ? (a, b) => keys[b] - keys[a] || a - b : (a, b) => keys[a] - keys[b] || a - b);
}

function stateToAddress() {
  const p = new URLSearchParams();
  for (const key of ["q", "org", "host", "rule", "technique", "tactic", "from", "until"]) if (state[key]) p.set(key, state[key]);
  if (state.level) p.set("level", [...state.level].map((l) => l || "none").join(","));
  if (state.sort !== "grave") p.set("sort", state.sort);
  if (state.open >= 0) p.set("open", state.open);
  const text = p.toString();
  try { history.replaceState(null, "", text ? "#" + text : location.pathname + location.search); } catch { /* a viewer that forbids it */ }
}

function addressToState() {
  const text = location.hash.slice(1);
  if (!text.includes("=")) return false;
  const p = new URLSearchParams(text);
  for (const key of ["q", "org", "host", "rule", "technique", "tactic", "from", "until"]) state[key] = p.get(key) || "";
  if (!/^\d*$/.test(state.org) || +state.org >= facts.orgs.length) state.org = "";
  state.level = p.has("level") ? new Set(p.get("level").split(",").map((l) => (l === "none" ? "" : l))) : null;
  state.sort = p.get("sort") || "grave";
  state.open = /^\d+$/.test(p.get("open") || "") && +p.get("open") < rows.n ? +p.get("open") : -1;
  return true;
}
