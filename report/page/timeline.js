// Hosts by time: findings as columns in lanes, what the host's logs cover beneath. The picture is one SVG, redrawn for the width it has.

const picture = { span: "findings", all: false, lanes: [] };

// lanes gives the hosts of findings and of the certificate, gravest first.
function makeLanes() {
  const byKey = new Map();
  const lane = (org, host) => {
    const key = org + "\n" + host;
    let l = byKey.get(key);
    if (!l) byKey.set(key, (l = { org, host, rows: [], levels: [0, 0, 0, 0, 0, 0], cover: null }));
    return l;
  };
  const ruleRank = facts.rules.map((r) => RANK[r.level]);
  for (let row = 0; row < rows.n; row++) {
    const l = lane(rows.org[row], hostOf(row));
    l.rows.push(row);
    l.levels[ruleRank[rows.rule[row]]]++;
  }
  for (const h of facts.coverage.hosts) lane(h.org, h.host).cover = h;
  const lanes = [...byKey.values()];
  lanes.sort((a, b) => {
    for (let l = 5; l >= 0; l--) if (a.levels[l] !== b.levels[l]) return b.levels[l] - a.levels[l];
    return a.org - b.org || (a.host < b.host ? -1 : 1);
  });
  return lanes;
}

function spans() {
  const found = [Infinity, -Infinity];
  for (let row = 0; row < rows.n; row++) {
    const t = rows.time[row];
    if (t < found[0]) found[0] = t;
    if (t > found[1]) found[1] = t;
  }
  const all = [fromRFC(facts.first), fromRFC(facts.last)];
  if (Number.isNaN(all[0]) || Number.isNaN(all[1])) all.splice(0, 2, ...found);
  return { found, all: [Math.min(all[0], found[0]), Math.max(all[1], found[1])] };
}

function drawTimeline(width) {
  const box = byId("lanes");
  const { found, all } = spans();
  const useAll = picture.span === "evidence" || !Number.isFinite(found[0]);
  let [from, to] = useAll ? all : found;
  byId("span-findings").setAttribute("aria-pressed", String(!useAll));
  byId("span-evidence").setAttribute("aria-pressed", String(useAll));
  if (!Number.isFinite(from) || !Number.isFinite(to)) return replace(box, el("p", { class: "empty" }, "No event has a time."));
  const pad = Math.max((to - from) * 0.02, 60e6);
  from -= pad;
  to += pad;

  width = width || Math.max(300, box.clientWidth);
  const narrow = width < 560;
  const lanes = picture.all ? picture.lanes.slice(0, 400) : picture.lanes.slice(0, 16);
  const left = narrow ? 4 : Math.min(260, Math.max(150, Math.round(width * 0.2)));
  const lane = narrow ? 56 : 44;
  const head = 26;
  const high = 22;
  const plot = width - left - 8;
  const bins = Math.max(40, Math.floor(plot / 5));
  const step = (to - from) / bins;
  const x = (t) => left + ((t - from) / (to - from)) * plot;
  const bin = (t) => Math.min(bins - 1, Math.max(0, Math.floor((t - from) / step)));
  const height = head + lanes.length * lane + 6;

  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Findings and coverage of hosts over time. The tables below say the same in words." });
  drawing.append(svg("defs", null, svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("rect", { width: 1.4, height: 5, class: "hatch" }))));
  for (const tick of ticks(from, to, narrow ? 3 : Math.floor(plot / 120))) {
    drawing.append(svg("line", { x1: x(tick.t), x2: x(tick.t), y1: head - 6, y2: height - 4, class: "tick" }), x(tick.t) + 4 + tick.text.length * 6.6 < width ? svg("text", { x: x(tick.t) + 4, y: 14, class: "axis" }, tick.text) : "");
  }

  let most = 1;
  const counted = lanes.map((l) => {
    const n = new Uint32Array(bins);
    const grave = new Uint8Array(bins).fill(255);
    for (const row of l.rows) {
      const t = rows.time[row];
      if (!(t >= from && t <= to)) continue;
      const b = bin(t);
      n[b]++;
      const rank = RANK[levelOf(row)];
      if (grave[b] === 255 || rank > grave[b]) grave[b] = rank;
      if (n[b] > most) most = n[b];
    }
    return { n, grave };
  });

  lanes.forEach((l, i) => {
    const top = head + i * lane;
    const base = top + (narrow ? 44 : 30);
    const group = svg("g", { class: "lane" });
    group.append(svg("line", { x1: narrow ? 0 : left, x2: width, y1: base + 8.5, y2: base + 8.5, class: "rule" }));
    const name = visible(l.host) || "no host named";
    const label = svg("text", { x: narrow ? 4 : 0, y: narrow ? top + 14 : base - 5, class: "host" }, clip(name, narrow ? 44 : Math.floor(left / 7.4)));
    label.append(svg("title", null, name + (facts.orgs.length > 1 ? " – " + visible(facts.orgs[l.org].name) : "")));
    group.append(label);
    if (!narrow) group.append(svg("text", { x: 0, y: base + 9, class: "sub" }, clip((l.rows.length ? plural(l.rows.length, "finding", "findings") : "no findings") + (facts.orgs.length > 1 ? " · " + visible(facts.orgs[l.org].name) : ""), Math.floor(left / 5.6))));
    cover(group, l.cover, from, to, bins, x, step, base);
    const { n, grave } = counted[i];
    for (let b = 0; b < bins; b++) {
      if (!n[b]) continue;
      const h = 5 + (high - 5) * (most > 1 ? Math.log(n[b]) / Math.log(most) : 1);
      const start = from + b * step;
      const level = LEVELS[5 - grave[b]];
      group.append(svg("rect", { x: x(start) + 0.5, y: base - h, width: Math.max(3, plot / bins - 1), height: h, rx: 1, class: "hits " + levelClass(level), "data-host": i, "data-from": start, "data-until": start + step,
        "data-tip": name + "\n" + timeText(start, "minute") + " to " + timeText(start + step, "minute") + "\n" + plural(n[b], "finding", "findings") + ", gravest " + levelName(level) }));
    }
    drawing.append(group);
  });
  const brush = svg("rect", { class: "brush", y: head - 6, height: height - head, width: 0, visibility: "hidden" });
  drawing.append(brush);
  attachPointer(drawing, brush, lanes, { from, to, left, plot });

  const more = picture.lanes.length - lanes.length;
  replace(box, drawing, more > 0 ? el("p", { class: "more" }, picture.all ? plural(more, "more host is", "more hosts are") + " in the tables below." :
    el("button", { type: "button", class: "quiet", onclick: () => { picture.all = true; drawTimeline(); } }, "Show " + count(Math.min(more, 384)) + " more hosts")) : null);
}

// cover draws the share of a host's sources that speak, bin by bin, as runs of equal share.
function cover(group, host, from, to, bins, x, step, base) {
  const known = host ? host.sources.map((s) => ({ a: fromRFC(s.first), b: fromRFC(s.last), gaps: s.gaps.map((g) => [fromRFC(g.from), fromRFC(g.to)]).filter(([p, q]) => q > p) })).filter((s) => s.a <= s.b) : [];
  if (!known.length) return;
  const first = Math.min(...known.map((s) => s.a));
  const last = Math.max(...known.map((s) => s.b));
  const share = (b) => {
    const t0 = from + b * step, t1 = t0 + step;
    if (t1 < first || t0 > last) return -1; // before and after its evidence
    let speaking = 0;
    for (const s of known) {
      if (t1 < s.a || t0 > s.b) continue;
      if (!s.gaps.some(([p, q]) => p <= t0 && q >= t1)) speaking++;
    }
    return speaking === 0 ? 0 : Math.ceil((3 * speaking) / known.length);
  };
  let begin = 0;
  let current = share(0);
  for (let b = 1; b <= bins; b++) {
    const now = b < bins ? share(b) : -2;
    if (now === current) continue;
    if (current >= 0) group.append(svg("rect", { x: x(from + begin * step), y: base + 2, width: Math.max(1, x(from + b * step) - x(from + begin * step)), height: 4, class: "cover share" + current }));
    begin = b;
    current = now;
  }
}

const clip = (s, n) => ([...s].length > n ? [...s].slice(0, Math.max(1, n - 1)).join("") + "…" : s);

// ticks gives round moments: at most about n of them.
function ticks(from, to, n) {
  const minute = 60e6, hour = 60 * minute, day = 24 * hour;
  const steps = [minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day];
  const out = [];
  const every = steps.find((s) => (to - from) / s <= Math.max(1, n));
  if (every) {
    for (let t = Math.ceil(from / every) * every; t <= to; t += every) out.push({ t, text: every >= day ? timeText(t, "day") : t % day === 0 ? timeText(t, "day").slice(5) : timeText(t, "minute").slice(every >= hour || to - from > day ? 5 : 11) });
    return out;
  }
  const months = (to - from) / (30.44 * day);
  const by = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600].find((m) => months / m <= Math.max(1, n)) || 1200;
  const d = new Date(from / 1000);
  let month = Math.ceil((d.getUTCFullYear() * 12 + d.getUTCMonth()) / by) * by;
  for (let guard = 0; guard < 200; guard++, month += by) {
    const t = Date.UTC(Math.floor(month / 12), month % 12) * 1000;
    if (t > to) break;
    if (t >= from) out.push({ t, text: by >= 12 ? timeText(t, "day").slice(0, 4) : timeText(t, "day").slice(0, 7) });
  }
  return out;
}

// attachPointer shows tips, and turns a click or a drag into a filter.
function attachPointer(drawing, brush, lanes, { from, to, left, plot }) {
  const place = (e) => { const r = drawing.getBoundingClientRect(); return ((e.clientX - r.left) / r.width) * drawing.viewBox.baseVal.width; };
  const time = (px) => from + ((Math.min(left + plot, Math.max(left, px)) - left) / plot) * (to - from);
  let began = null;
  drawing.addEventListener("pointerdown", (e) => { if (e.button === 0 && e.pointerType !== "touch") began = place(e); });
  drawing.addEventListener("pointermove", (e) => {
    if (began !== null && Math.abs(place(e) - began) > 4) {
      const a = Math.max(left, Math.min(began, place(e)));
      brush.setAttribute("x", a);
      brush.setAttribute("width", Math.max(0, Math.min(left + plot, Math.max(began, place(e))) - a));
      brush.setAttribute("visibility", "visible");
      return tip(null);
    }
    tip(e.target.dataset ? e.target.dataset.tip : null, e);
  });
  drawing.addEventListener("pointerleave", () => { tip(null); began = null; brush.setAttribute("visibility", "hidden"); });
  drawing.addEventListener("pointerup", (e) => {
    const start = began;
    began = null;
    brush.setAttribute("visibility", "hidden");
    if (start !== null && Math.abs(place(e) - start) > 4) {
      const [a, b] = [time(Math.min(start, place(e))), time(Math.max(start, place(e)))];
      return show({ from: timeText(a), until: timeText(b + 1e6) });
    }
    const bar = e.target.closest && e.target.closest(".hits");
    if (bar) show({ host: visible(lanes[+bar.dataset.host].host), org: facts.orgs.length > 1 ? String(lanes[+bar.dataset.host].org) : "", from: timeText(+bar.dataset.from), until: timeText(+bar.dataset.until + 1e6) });
  });
}

function tip(text, e) {
  const box = byId("tip");
  box.hidden = !text;
  if (!text) return;
  box.textContent = text;
  box.style.left = Math.max(8, Math.min(innerWidth - box.offsetWidth - 8, e.clientX + 12)) + "px";
  box.style.top = Math.max(8, e.clientY - box.offsetHeight - 10) + "px";
}

function drawLegend() {
  replace(byId("legend"), LEVELS.filter((l) => facts.rules.some((r) => r.level === l)).map((l) => el("span", null, el("i", { class: "swatch " + levelClass(l) }), levelName(l))),
    el("span", null, el("i", { class: "swatch band share3" }), "all logs"), el("span", null, el("i", { class: "swatch band share1" }), "some"), el("span", null, el("i", { class: "swatch band share0" }), "gap"));
}
