// Wiring: summary, filters, keys, theme, print.

function drawSummary() {
  const c = facts.coverage;
  const figure = (name, value, note) => el("div", null, el("dt", null, name), el("dd", null, value, note ? el("small", null, note) : null));
  const levels = [0, 0, 0, 0, 0, 0];
  for (const o of facts.orgs) o.levels.forEach((n, i) => { levels[i] += n; });
  const hosts = facts.orgs.reduce((n, o) => n + o.hosts, 0);
  const declared = facts.orgs.every((o) => o.declared >= 0);
  const known = facts.orgs.reduce((n, o) => n + Math.max(0, o.declared), 0);
  const coveredHosts = facts.orgs.reduce((n, o) => n + o.covered, 0);
  replace(byId("figures"),
    figure("Findings", count(facts.found), plural(facts.rules.length, "rule", "rules")),
    figure("Hosts covered", declared ? count(coveredHosts) + " of " + count(known) : count(hosts), declared ? "declared" : "how many there are is unknown"),
    figure("Events searched", count(facts.events), plural(c.files, "file", "files") + ", " + size(facts.bytes)),
    figure("Rules asked", count(c.loaded), count(c.not_searched) + " not searchable here"),
    figure("Evidence", facts.first ? timeText(fromRFC(facts.first), "day") : "–", facts.last ? "to " + timeText(fromRFC(facts.last), "day") : ""));

  const sum = levels.reduce((a, b) => a + b, 0);
  const stack = el("div", { class: "stack", role: "img", "aria-label": LEVELS.map((l) => levels[RANK[l]] + " " + levelName(l)).join(", ") });
  for (const l of LEVELS) {
    if (!levels[RANK[l]]) continue;
    const part = el("i", { class: levelClass(l) });
    part.style.flexGrow = Math.max(levels[RANK[l]], sum / 200);
    stack.append(part);
  }
  replace(byId("levels"), sum ? [stack, el("ul", { class: "level-list" }, LEVELS.filter((l) => l || levels[0]).map((l) => el("li", null, el("button", { type: "button", disabled: !levels[RANK[l]], onclick: () => show({ level: new Set([l]) }) },
    el("i", { class: "swatch " + levelClass(l) }), el("span", null, levelName(l)), el("b", null, count(levels[RANK[l]]))))))] : el("p", { class: "empty" }, "No rule matched."));

  const top = facts.rules.map((r, i) => [r, i]).sort(([a, i], [b, k]) => RANK[b.level] - RANK[a.level] || b.hosts - a.hosts || b.count - a.count || i - k).slice(0, 12);
  replace(byId("top-rules"), top.length ? el("table", { class: "plain rules" },
    el("thead", null, el("tr", null, ["Level", "Rule", "Hosts", "Findings", "First (UTC)", "Last (UTC)"].map((h, i) => el("th", { scope: "col", class: i === 2 || i === 3 ? "num" : undefined }, h)))),
    el("tbody", null, top.map(([r]) => el("tr", null, el("td", null, badge(r.level)),
      el("td", null, put(el("button", { type: "button", class: "link", onclick: () => show({ rule: visible(r.title) }) }), r.title)),
      el("td", { class: "num" }, count(r.hosts)), el("td", { class: "num" }, count(r.count)), el("td", { class: "mono" }, timeText(fromRFC(r.first), "minute")), el("td", { class: "mono" }, timeText(fromRFC(r.last), "minute")))))) : el("p", { class: "empty" }, "No rule matched."));
  if (facts.rules.length > top.length) byId("top-rules").append(el("p", { class: "note" }, "and " + plural(facts.rules.length - top.length, "more rule", "more rules") + " among the findings."));

  const missing = facts.found - facts.embedded;
  const notes = [];
  if (missing > 0) notes.push("This page holds the " + count(facts.embedded) + " gravest of " + count(facts.found) + " findings; the picture and the table show those. All are in findings.jsonl.");
  if (facts.with_events < facts.embedded) notes.push("Events are in the page for " + count(facts.with_events) + " findings, gravest first; the rest of them are in findings.jsonl.");
  byId("left-out").hidden = !notes.length;
  byId("left-out").textContent = notes.join(" ");
}

// show sets filters, leaving out those that are not named, and goes to the table.
function show(filter) {
  Object.assign(state, { q: "", level: null, org: "", host: "", rule: "", technique: "", tactic: "", from: "", until: "" }, filter);
  closeDetail();
  stateToForm();
  refresh();
  byId("findings").scrollIntoView();
  byId("grid").focus({ preventScroll: true });
}

function stateToForm() {
  byId("f-text").value = state.q;
  byId("f-org").value = state.org;
  byId("f-host").value = state.host;
  byId("f-rule").value = state.rule;
  byId("f-from").value = state.from;
  byId("f-until").value = state.until;
  for (const box of byId("f-levels").querySelectorAll("input")) box.checked = !!state.level && state.level.has(box.value);
  const narrowed = byId("technique-filter");
  narrowed.hidden = !state.technique && !state.tactic;
  if (narrowed.hidden) return;
  const tactic = facts.tactics.find((t) => t.id === state.tactic);
  replace(narrowed, "Only rules of ", [tactic ? tactic.name : "", state.technique ? state.technique + " " + (facts.techniques[state.technique] || "") : ""].filter(Boolean).join(" – "), " ",
    el("button", { type: "button", class: "link", onclick: () => { state.technique = state.tactic = ""; stateToForm(); refresh(); } }, "remove"));
}

function formToState() {
  state.q = byId("f-text").value;
  state.org = byId("f-org").value;
  state.host = byId("f-host").value.trim();
  state.rule = byId("f-rule").value.trim();
  for (const [key, id] of [["from", "f-from"], ["until", "f-until"]]) {
    const box = byId(id);
    const bad = box.value.trim() !== "" && Number.isNaN(readTime(box.value));
    box.setAttribute("aria-invalid", String(bad));
    state[key] = bad ? "" : box.value.trim();
  }
  const levels = [...byId("f-levels").querySelectorAll("input:checked")].map((b) => b.value);
  state.level = levels.length ? new Set(levels) : null;
}

function makeForm() {
  const present = LEVELS.filter((l) => facts.rules.some((r) => r.level === l));
  replace(byId("f-levels"), present.map((l) => el("label", { class: "chip " + levelClass(l) }, el("input", { type: "checkbox", value: l }), el("span", null, levelName(l)))));
  byId("f-org-label").hidden = facts.orgs.length < 2;
  replace(byId("f-org"), el("option", { value: "" }, "all"), facts.orgs.map((o, i) => el("option", { value: i }, visible(o.name))));
  const seen = new Set();
  for (const l of picture.lanes) if (l.rows.length && l.host && seen.size < 500) seen.add(visible(l.host));
  replace(byId("hosts"), [...seen].map((h) => el("option", { value: h })));
  replace(byId("rules"), facts.rules.slice(0, 1000).map((r) => el("option", { value: visible(r.title) })));
  let waiting = 0;
  byId("filters").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { formToState(); refresh(); }, 120);
  });
  byId("filters").addEventListener("submit", (e) => e.preventDefault());
  byId("filters").addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.target.tagName === "BUTTON") return;
    e.preventDefault();
    clearTimeout(waiting);
    formToState();
    refresh();
    byId("grid").focus();
  });
  byId("f-clear").addEventListener("click", () => show({}));
}

function keys(e) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  if (e.key === "Escape") {
    if (!byId("detail").hidden) closeDetail();
    else if (typing) byId("grid").focus();
    return;
  }
  if (typing || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "/") {
    e.preventDefault();
    byId("findings").scrollIntoView();
    byId("f-text").focus();
    byId("f-text").select();
  }
}

function makeTheme() {
  const root = document.documentElement;
  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : wantsDark.matches);
  const label = () => { byId("theme").textContent = dark() ? "Light" : "Dark"; };
  byId("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  wantsDark.addEventListener("change", label);
  label();
}

function start() {
  performance.mark("draw-begin");
  picture.lanes = makeLanes();
  const { found, all } = spans();
  if (all[1] - all[0] <= 4 * (found[1] - found[0])) picture.span = "evidence";
  makeTheme();
  drawSummary();
  drawLegend();
  drawTimeline();
  drawMatrix();
  makeForm();
  drawCoverage();
  const came = addressToState();
  const open = state.open;
  stateToForm();
  refresh();
  if (open >= 0) {
    const at = grid.list.indexOf(open);
    if (at >= 0) { moveTo(at); openDetail(open); }
  }
  if (came && open < 0) byId("findings").scrollIntoView({ behavior: "instant" });

  byId("span-findings").addEventListener("click", () => { picture.span = "findings"; drawTimeline(); });
  byId("span-evidence").addEventListener("click", () => { picture.span = "evidence"; drawTimeline(); });
  byId("print").addEventListener("click", () => print());
  byId("grid").addEventListener("keydown", gridKeys);
  let frame = 0;
  byId("grid-body").addEventListener("scroll", () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(drawRows); }, { passive: true });
  document.addEventListener("keydown", keys);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    drawTimeline();
    grid.top = -1;
    drawRows();
  });
  addEventListener("beforeprint", () => drawTimeline(1000));
  addEventListener("afterprint", () => drawTimeline());
  addEventListener("hashchange", () => { if (addressToState()) { stateToForm(); refresh(); } });

  performance.measure("load", { start: 0, end: performance.now() });
  byId("page").dataset.loadMs = Math.round(performance.getEntriesByName("load").pop().duration);
  byId("page").dataset.rows = rows.n;
  byId("page").dataset.ready = "yes";
}

start();
