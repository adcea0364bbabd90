// One finding in full: what rule, where, what decided, and the event with the fields that decided marked.

let lastFocus = null;

function openDetail(row) {
  const rule = facts.rules[rows.rule[row]];
  const box = byId("detail");
  if (box.hidden) lastFocus = document.activeElement;
  state.open = row;
  stateToAddress();

  const fact = (name, value, mono) => value === "" || value === undefined ? [] :
    [el("dt", null, name), put(el("dd", { class: mono ? "mono" : undefined }), value)];
  const matched = rows.matched[row];
  const pairs = [];
  for (let k = 0; k < matched.length; k += 2) pairs.push([rows.strings[matched[k]], matched[k + 1]]);

  const names = rule.cells.filter((c) => c.technique).map((c) => c.technique);
  const techniques = [...new Set(names)].map((id) => el("li", null, el("span", { class: "id" }, id), " " + (facts.techniques[id] || "")));
  const refs = rows.refs.get(row);

  replace(box,
    el("header", null,
      el("div", { class: "detail-top" }, badge(rule.level),
        el("span", { class: "pager" },
          el("button", { type: "button", class: "quiet", id: "previous", onclick: () => step(-1) }, "Previous"),
          el("button", { type: "button", class: "quiet", id: "next", onclick: () => step(1) }, "Next"),
          el("button", { type: "button", class: "quiet", id: "close", onclick: closeDetail }, "Close"))),
      put(el("h2", { id: "detail-title", tabindex: "-1" }), rule.title)),
    el("div", { class: "detail-body" },
      el("dl", { class: "facts" },
        fact("Time", fullTime(rows.time[row], rows.nanos[row]), true),
        fact("Host", hostOf(row) || "none named"),
        facts.orgs.length > 1 ? fact("Organisation", facts.orgs[rows.org[row]].name) : [],
        rows.score.has(row) ? fact("Score", rows.score.get(row).toFixed(3)) : [],
        fact("File", rows.strings[rows.file[row]], true),
        fact("Record", String(rows.record[row]) + (rows.recovered.has(row) ? ", recovered from deleted space" : ""), true),
        fact("Offset", String(rows.offset[row]), true),
        fact("SHA-256", rows.strings[rows.sha[row]], true),
        fact("Rule", rule.id, true),
        fact("Searches", rule.source.replace(/\/+/g, " / ").replace(/^ \/ | \/ $/g, "")),
        fact("Author", rule.author)),
      pairs.length ? [el("h3", null, "What decided"), el("table", { class: "event matched" }, el("tbody", null, pairs.map(([name, value]) =>
        el("tr", null, put(el("th", { scope: "row" }), name), put(el("td"), value, true)))))] : [],
      rows.cut.has(row) ? el("p", { class: "note" }, "Long values are cut here; findings.jsonl has them whole.") : [],
      techniques.length ? [el("h3", null, "ATT&CK"), el("ul", { class: "techniques" }, techniques)] : [],
      refs ? [el("h3", null, "Records counted"), el("ul", { class: "refs mono" }, refs.refs.flatMap((x, k) => k % 2 ? [] :
        [put(el("li"), rows.strings[x] + " : " + refs.refs[k + 1])]), refs.more ? el("li", null, "and " + count(refs.more) + " more in findings.jsonl") : [])] : [],
      el("h3", null, "Event"), eventTable(row, pairs)));
  box.hidden = false;
  document.body.classList.add("with-detail");
  byId("previous").disabled = grid.at <= 0;
  byId("next").disabled = grid.at >= grid.list.length - 1;
  byId("detail-title").focus({ preventScroll: true });
  box.scrollTop = 0;
}

function closeDetail() {
  const box = byId("detail");
  if (box.hidden) return;
  box.hidden = true;
  document.body.classList.remove("with-detail");
  state.open = -1;
  stateToAddress();
  (lastFocus && document.contains(lastFocus) && lastFocus !== document.body ? lastFocus : byId("grid")).focus({ preventScroll: true });
}

function step(by) {
  moveTo(grid.at + by);
  openDetail(grid.list[grid.at]);
  byId(by < 0 ? "previous" : "next").focus();
}

function eventTable(row, pairs) {
  const event = eventOf(row);
  if (event === undefined) {
    return el("p", { class: "note" }, rows.refs.has(row) ? "A correlation has no event of its own: see the records it counted."
      : "The event is not in this page, which holds a bounded amount; findings.jsonl has it, if the sweep kept events.");
  }
  const fields = new Set(pairs.map(([name]) => name.toLowerCase()));
  const flat = [];
  flatten("", event, flat);
  // A rule that names no field of the event, such as one of keywords, is marked by value.
  const named = new Set(flat.map(([name]) => name.toLowerCase()));
  const values = pairs.filter(([name, value]) => !named.has(name.toLowerCase()) && value.length > 2).map(([, value]) => value);
  const more = flat.length > 400 ? flat.splice(400).length : 0;
  return [el("table", { class: "event" }, el("tbody", null, flat.map(([name, value]) => {
    const text = value === null ? "" : String(value);
    const decided = fields.has(name.toLowerCase()) || values.includes(text);
    const cell = el("td", { class: value === null ? "null" : undefined });
    if (value === null) cell.append("null");
    else if (decided) put(cell.appendChild(el("mark")), text, true);
    else put(cell, text, true);
    return el("tr", { class: decided ? "decided" : undefined }, put(el("th", { scope: "row" }), name), cell);
  }))), more ? el("p", { class: "note" }, "and " + plural(more, "more field", "more fields") + " in findings.jsonl") : []];
}

// flatten lists an event's values by path; depth and number are bounded by what the page holds.
function flatten(path, value, out) {
  const stack = [[path, value]];
  while (stack.length && out.length < 5000) {
    const [name, v] = stack.pop();
    if (v !== null && typeof v === "object") {
      const entries = Array.isArray(v) ? v.map((x) => [name, x]) : Object.keys(v).map((k) => [name ? name + "." + k : k, v[k]]);
      for (let i = entries.length - 1; i >= 0; i--) stack.push(entries[i]);
    } else out.push([name, v]);
  }
}
