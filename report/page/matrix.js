// The ATT&CK matrix: tactics that were met as columns, their techniques beneath, the most frequent first.

function drawMatrix() {
  const columns = facts.tactics.map((t) => ({ ...t, cells: new Map(), rules: new Set() }));
  const byTactic = new Map(columns.map((c) => [c.id, c]));
  facts.rules.forEach((rule, i) => {
    for (const c of rule.cells) {
      const column = byTactic.get(c.tactic);
      if (!column) continue;
      column.rules.add(i);
      const x = column.cells.get(c.technique) || { id: c.technique, found: 0, rules: 0, grave: 0 };
      x.found += rule.count;
      x.rules++;
      x.grave = Math.max(x.grave, RANK[rule.level]);
      column.cells.set(c.technique, x);
    }
  });
  const used = columns.filter((c) => c.cells.size);
  const box = byId("matrix");
  if (!used.length) return replace(box, el("p", { class: "empty" }, "No rule that matched names a technique."));
  let most = 1;
  for (const c of used) for (const x of c.cells.values()) most = Math.max(most, x.found);
  replace(box, el("div", { class: "matrix" }, used.map((c) => {
    const total = [...c.rules].reduce((n, i) => n + facts.rules[i].count, 0);
    const cells = [...c.cells.values()].sort((a, b) => b.grave - a.grave || b.found - a.found || (a.id < b.id ? -1 : 1));
    return el("section", { class: "tactic" },
      el("h3", null, c.name, el("span", null, plural(total, "finding", "findings"))),
      folded(cells, (x) => {
        const name = x.id ? facts.techniques[x.id] || "" : "No technique named";
        const shade = 1 + Math.min(4, Math.floor(5 * Math.log(x.found + 1) / Math.log(most + 2)));
        return el("li", null, el("button", {
          type: "button", class: "technique shade" + shade + " " + levelClass(LEVELS[5 - x.grave]),
          title: plural(x.rules, "rule", "rules") + ", gravest " + levelName(LEVELS[5 - x.grave]),
          onclick: () => show({ tactic: c.id, technique: x.id }),
        }, el("span", { class: "name" }, name || x.id), el("span", { class: "id" }, name && x.id ? x.id : ""), el("span", { class: "n" }, count(x.found))));
      }));
  })));
}

// folded lists the first of many, the rest behind a button.
function folded(items, make) {
  const list = el("ul", null, items.slice(0, 7).map(make));
  const rest = items.slice(7);
  if (!rest.length) return list;
  const open = el("li", null, el("button", { type: "button", class: "link", onclick: () => {
    open.remove();
    list.append(...rest.map(make));
  } }, plural(rest.length, "more technique", "more techniques")));
  list.append(open);
  return list;
}
