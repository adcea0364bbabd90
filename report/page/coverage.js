// The certificate in words and tables. Long lists are built when they are opened.

function later(summary, make, open) {
  const box = el("details", open ? { open: true } : null, summary);
  const build = () => {
    if (box.open && !box.dataset.built) {
      box.dataset.built = "1";
      box.append(...[make()].flat(Infinity));
    }
  };
  box.addEventListener("toggle", build);
  build();
  return box;
}

const summaryLine = (title, text) => el("summary", null, el("span", { class: "what" }, title), el("span", { class: "how" }, text));

function table(head, lines) {
  return el("div", { class: "scroll" }, el("table", { class: "plain" }, el("thead", null, el("tr", null, head.map((h) => el("th", { scope: "col", class: h.startsWith("#") ? "num" : undefined }, h.replace("#", ""))))),
    el("tbody", null, lines.map((cells) => el("tr", null, cells.map((c, i) => (c instanceof Node ? el("td", null, c) : put(el("td", { class: head[i].startsWith("#") ? "num" : undefined }), c, true))))))));
}

function drawCoverage() {
  const c = facts.coverage;
  const several = facts.orgs.length > 1;
  const out = [];

  const silent = c.silent.map((s) => [...(several ? [facts.orgs[s.org].name] : []), s.host, s.role || "–", s.critical ? "yes" : "no"]);
  const orgHead = several ? ["Organisation"] : [];
  out.push(el("ul", { class: "statements" }, facts.orgs.slice(0, 200).map((o) => {
    const text = o.declared < 0 ? plural(o.hosts, "host", "hosts") + " seen. How many there are was not declared, so how much of the whole this is remains unknown."
      : count(o.covered) + " of " + plural(o.declared, "declared host", "declared hosts") + " covered.";
    return put(el("li"), (several ? o.name + ": " : "") + text);
  })));
  if (silent.length) out.push(later(summaryLine("Declared hosts without evidence", plural(silent.length, "host", "hosts")), () => table([...orgHead, "Host", "Role", "Critical"], silent), true));

  let shown = 40;
  const list = el("div", { class: "hosts" });
  const drawHosts = () => replace(list, c.hosts.slice(0, shown).map((h) => hostCoverage(h, several)),
    shown < c.hosts.length ? el("button", { type: "button", class: "quiet", onclick: () => { shown += 200; drawHosts(); } }, "Show " + count(Math.min(200, c.hosts.length - shown)) + " more hosts") : null,
    c.more_hosts && shown >= c.hosts.length ? el("p", { class: "note" }, plural(c.more_hosts, "more host is", "more hosts are") + " in coverage.json.") : null);
  drawHosts();
  out.push(el("h3", null, "Hosts and their logs"), list);

  out.push(el("h3", null, "Rules"), el("p", null, count(c.loaded) + " asked: " + count(c.rules_found) + " found, " + count(c.clean) + " searched and not found, " + count(c.not_searched) + " not searchable here, " + count(c.rejected_rules) + " rejected."));
  out.push(el("div", { class: "share", role: "img", "aria-label": "shares of the rules" }, [["found", c.rules_found], ["clean", c.clean], ["not", c.not_searched]].map(([name, n]) => {
    const part = el("i", { class: "part-" + name });
    part.style.flexGrow = n;
    return n ? part : null;
  })), el("p", { class: "legend" }, el("span", null, el("i", { class: "swatch part-found" }), "found"), el("span", null, el("i", { class: "swatch part-clean" }), "searched, not found"), el("span", null, el("i", { class: "swatch part-not" }), "not searchable here")));
  if (c.not_searchable.length) {
    out.push(later(summaryLine("Not searchable here, by reason", plural(c.not_searched, "rule", "rules")), () => c.not_searchable.map((r) =>
      later(summaryLine(visible(r.reason), plural(r.count, "rule", "rules")), () => el("ul", { class: "names" }, r.names.map((n) => put(el("li"), n)), r.count > r.names.length ? el("li", null, "and " + count(r.count - r.names.length) + " more in coverage.json") : [])))));
  }
  if (c.rejected.length) out.push(later(summaryLine("Rejected rules", plural(c.rejected_rules, "rule", "rules")), () => table(["Rule", "Reason"], c.rejected.map((r) => [r.path, r.reason]))));
  if (c.uncertain.length) out.push(later(summaryLine("Uncertain", plural(c.uncertain.length, "rule", "rules")), () => el("ul", { class: "names" }, c.uncertain.map((u) => put(el("li"), u))), true));

  out.push(el("h3", null, "Files"), el("p", null, plural(c.files, "file", "files") + " read with " + plural(c.records, "record", "records") + (c.recovered ? " and " + plural(c.recovered, "record", "records") + " recovered from deleted space" : "") +
    (c.formats.length ? ": " + c.formats.map((f) => count(f.count) + " " + visible(f.reason)).join(", ") : "") + "."));
  if (c.damaged.length) out.push(later(summaryLine("Damaged files", plural(c.damaged_files, "file", "files")), () => table([...orgHead, "File", "Damage"], c.damaged.map((d) => [...(several ? [d.org] : []), d.path,
    d.places.map((p) => "byte " + count(p.offset) + ": " + p.reason).join("\n") + (d.more ? "\nand " + count(d.more) + " more places" : "")])), true));
  if (c.unread.length) out.push(later(summaryLine("Files not read", plural(c.unread_files, "file", "files")), () => table([...orgHead, "File", "Reason"], c.unread.map((u) => [...(several ? [u.org] : []), u.path, (u.lost ? "Evidence lost: " : "") + u.reason]))));
  if (c.not_read.length) out.push(later(summaryLine("Present and not read by this version", plural(c.not_read_files, "artefact", "artefacts")), () => table(["Artefact", "What it is"], c.not_read.map((u) => [u.path, u.reason]))));
  if (!c.damaged.length && !c.unread.length && !c.not_read.length) out.push(el("p", { class: "note" }, "No file was damaged, left out or unknown."));
  replace(byId("certificate"), out);
}

// gapsOf lists a log's gaps, the first of many at once.
function gapsOf(s) {
  if (!s.gaps.length) return "–";
  const lines = s.gaps.map((g) => (g.from ? timeText(fromRFC(g.from)) + (g.to && g.to !== g.from ? " to " + timeText(fromRFC(g.to)) : "") + ": " : "") + g.why);
  if (s.more) lines.push("and " + count(s.more) + " more in coverage.json");
  const box = put(el("div"), lines.slice(0, 5).join("\n"), true);
  if (lines.length > 5) {
    const rest = later(el("summary", null, plural(lines.length - 5, "more line", "more lines")), () => put(el("div"), lines.slice(5).join("\n"), true));
    rest.classList.add("more-gaps");
    box.append(rest);
  }
  return box;
}

function hostCoverage(h, several) {
  const gaps = h.sources.reduce((n, s) => n + s.gaps.length + s.more, 0);
  const name = (several ? visible(facts.orgs[h.org].name) + " · " : "") + (visible(h.host) || "no host named");
  const how = [plural(h.sources.length + h.more_sources, "log", "logs"), gaps ? plural(gaps, "gap", "gaps") : "no gaps", plural(h.found, "rule", "rules") + " found", h.searchable >= 0 ? count(h.searchable) + " could be asked" : ""].filter(Boolean).join(", ");
  return later(summaryLine(name, how), () => [
    table(["Log", "First (UTC)", "Last (UTC)", "#Records", "Gaps"], h.sources.map((s) => [s.source, timeText(fromRFC(s.first)), s.no_times || timeText(fromRFC(s.last)), count(s.records), gapsOf(s)])),
    h.more_sources ? el("p", { class: "note" }, plural(h.more_sources, "more log is", "more logs are") + " in coverage.json.") : [],
    h.unanswered.length ? [el("h4", null, "What this host cannot answer"), table(["#Rules", "Reason"], h.unanswered.map((u) => [count(u.count), u.reason]))] : [],
  ]);
}
