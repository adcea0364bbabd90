// The table of findings. Only the rows in sight exist as elements, so its cost does not depend on how many pass the filters.

const grid = { list: new Uint32Array(0), at: 0, height: 36, top: -1, bottom: -1 };

function columns() {
  const all = [["time", "Time (UTC)"], ["level", "Level"], ["rule", "Rule"], ["host", "Host"], ["matched", "What decided"]];
  if (facts.orgs.length > 1) all.splice(3, 0, ["org", "Organisation"]);
  return all;
}

function drawHead() {
  const down = state.sort.startsWith("-");
  const key = state.sort.replace("-", "");
  replace(byId("grid-head"), el("div", { class: "row", role: "row", "aria-rowindex": "1" }, columns().map(([id, name]) => {
    const order = id === key ? (down ? "descending" : "ascending") : "none";
    const cell = el("div", { role: "columnheader", class: "c-" + id, "aria-sort": id === "matched" ? undefined : order });
    if (id === "matched") cell.append(name);
    else cell.append(el("button", { type: "button", onclick: () => sortBy(id) }, name, el("span", { class: "order", "aria-hidden": "true" }, order === "ascending" ? " ↑" : order === "descending" ? " ↓" : "")));
    return cell;
  })));
}

// sortBy goes up, down and back to the order of the page; levels and times begin with the gravest and the first.
function sortBy(id) {
  const turns = id === "level" ? ["-level", "level", "grave"] : [id, "-" + id, "grave"];
  state.sort = turns[(turns.indexOf(state.sort) + 1) % 3];
  refresh();
}

// refresh applies filters and order and draws what is in sight.
function refresh() {
  performance.mark("filter-begin");
  grid.list = sorted(passing());
  grid.at = 0;
  const body = byId("grid-body");
  body.scrollTop = 0;
  drawHead();
  byId("grid").setAttribute("aria-rowcount", grid.list.length + 1);
  byId("grid-empty").hidden = grid.list.length > 0;
  byId("shown").textContent = grid.list.length === rows.n ? plural(rows.n, "finding", "findings") : count(grid.list.length) + " of " + plural(rows.n, "finding", "findings");
  grid.top = -1;
  drawRows();
  stateToAddress();
  performance.measure("filter", "filter-begin");
  byId("page").dataset.filterMs = Math.round(performance.getEntriesByName("filter").pop().duration);
}

function drawRows() {
  const body = byId("grid-body");
  const space = byId("grid-space");
  grid.height = matchMedia("(max-width: 720px)").matches && !matchMedia("print").matches ? 84 : 36;
  space.style.height = grid.list.length * grid.height + "px";
  body.style.height = grid.list.length * grid.height + 1 + "px"; // within the bounds of the style
  const sight = body.clientHeight || 600;
  const top = Math.max(0, Math.floor(body.scrollTop / grid.height) - 6);
  const bottom = Math.min(grid.list.length, top + Math.ceil(sight / grid.height) + 12);
  if (top === grid.top && bottom === grid.bottom) return mark();
  grid.top = top;
  grid.bottom = bottom;
  const several = facts.orgs.length > 1;
  const out = [];
  for (let i = top; i < bottom; i++) {
    const row = grid.list[i];
    const line = el("div", { role: "row", class: "row", id: "row-" + i, "aria-rowindex": i + 2, onclick: () => { moveTo(i); openDetail(row); } },
      el("div", { role: "gridcell", class: "c-time mono" }, timeText(rows.time[row])),
      el("div", { role: "gridcell", class: "c-level" }, badge(levelOf(row))),
      el("div", { role: "gridcell", class: "c-rule" }, visible(titleOf(row))),
      several ? el("div", { role: "gridcell", class: "c-org" }, visible(facts.orgs[rows.org[row]].name)) : [],
      el("div", { role: "gridcell", class: "c-host" }, visible(hostOf(row)) || "–"),
      el("div", { role: "gridcell", class: "c-matched mono" }, visible(matchedText(row))));
    line.style.transform = "translateY(" + i * grid.height + "px)";
    out.push(line);
  }
  replace(space, out);
  mark();
}

function mark() {
  for (const line of byId("grid-space").children) {
    const is = line.id === "row-" + grid.at;
    line.classList.toggle("at", is);
    line.setAttribute("aria-selected", is ? "true" : "false");
  }
  const box = byId("grid");
  if (byId("row-" + grid.at)) box.setAttribute("aria-activedescendant", "row-" + grid.at);
  else box.removeAttribute("aria-activedescendant");
}

// moveTo makes a row the current one and brings it into sight.
function moveTo(i) {
  if (!grid.list.length) return;
  grid.at = Math.max(0, Math.min(grid.list.length - 1, i));
  const body = byId("grid-body");
  const top = grid.at * grid.height;
  if (top < body.scrollTop) body.scrollTop = top;
  else if (top + grid.height > body.scrollTop + body.clientHeight) body.scrollTop = top + grid.height - body.clientHeight;
  drawRows();
}

function gridKeys(e) {
  if (e.target.closest("button") && e.key === "Enter") return;
  const page = Math.max(1, Math.floor(byId("grid-body").clientHeight / grid.height) - 1);
  const to = { ArrowDown: grid.at + 1, ArrowUp: grid.at - 1, PageDown: grid.at + page, PageUp: grid.at - page, Home: 0, End: grid.list.length - 1 }[e.key];
  if (to !== undefined) {
    e.preventDefault();
    moveTo(to);
  } else if (e.key === "Enter" && grid.list.length) {
    e.preventDefault();
    openDetail(grid.list[grid.at]);
  }
}
