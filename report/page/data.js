// Findings arrive in blocks of columns, gravest level first and in order of time within a level. They are held as typed arrays, so that
// a hundred thousand of them cost little and filter fast.

const facts = JSON.parse(byId("facts").textContent);
const orgNumber = new Map(facts.orgs.map((o, i) => [o.name, i]));

const rows = (() => {
  const blocks = document.querySelectorAll("script.rows");
  const n = facts.embedded;
  const strings = [];
  const known = new Map();
  const intern = (s) => {
    let i = known.get(s);
    if (i === undefined) {
      i = strings.length;
      known.set(s, i);
      strings.push(s);
    }
    return i;
  };
  const r = {
    n, strings,
    time: new Float64Array(n), nanos: new Uint16Array(n), rule: new Uint32Array(n), org: new Uint32Array(n), host: new Uint32Array(n),
    file: new Uint32Array(n), sha: new Uint32Array(n), block: new Uint32Array(n), place: new Uint32Array(n),
    record: new Array(n), offset: new Array(n), matched: new Array(n),
    recovered: new Set(), cut: new Set(), score: new Map(), refs: new Map(),
  };
  let at = 0;
  blocks.forEach((script, block) => {
    const c = JSON.parse(script.textContent);
    script.textContent = ""; // its memory is ours now
    const number = c.strings.map(intern);
    const noTime = new Set(c.notime || []);
    let clock = 0;
    for (let i = 0; i < c.rows; i++) {
      const row = at + i;
      if (noTime.has(i)) r.time[row] = NaN;
      else r.time[row] = clock += c.time[i];
      r.rule[row] = c.rule[i];
      r.org[row] = orgNumber.get(strings[number[c.org[i]]]) || 0;
      r.host[row] = number[c.host[i]];
      r.file[row] = number[c.file[i]];
      r.sha[row] = number[c.sha256[i]];
      r.record[row] = c.record[i];
      r.offset[row] = c.offset[i];
      const m = c.matched[i];
      for (let k = 0; k < m.length; k += 2) m[k] = number[m[k]];
      r.matched[row] = m;
      r.block[row] = block;
      r.place[row] = i;
    }
    for (const i in c.nanos || {}) r.nanos[at + +i] = c.nanos[i];
    for (const i in c.score || {}) r.score.set(at + +i, c.score[i]);
    for (const i of c.recovered || []) r.recovered.add(at + i);
    for (const i of c.cut || []) r.cut.add(at + i);
    for (const i in c.refs || {}) {
      const refs = c.refs[i];
      const more = refs.pop();
      for (let k = 0; k < refs.length; k += 2) refs[k] = number[refs[k]];
      r.refs.set(at + +i, { refs, more });
    }
    at += c.rows;
  });
  return r;
})();

const levelOf = (row) => facts.rules[rows.rule[row]].level;
const titleOf = (row) => facts.rules[rows.rule[row]].title;
const hostOf = (row) => rows.strings[rows.host[row]];

// eventOf gives the event of a finding, parsed when it is asked for; undefined when the page does not hold it.
const eventBlocks = document.querySelectorAll("script.events");
const parsedBlock = { at: -1, events: null };
function eventOf(row) {
  const at = rows.block[row];
  if (parsedBlock.at !== at) {
    const text = eventBlocks[at] ? eventBlocks[at].textContent : "";
    parsedBlock.at = at;
    parsedBlock.events = text ? JSON.parse(text) : null;
  }
  const event = parsedBlock.events ? parsedBlock.events[rows.place[row]] : null;
  return event === null ? undefined : event;
}

// matchedText is what decided, in one line.
function matchedText(row) {
  const m = rows.matched[row];
  let out = "";
  for (let k = 0; k < m.length; k += 2) {
    out += (out ? "   " : "") + rows.strings[m[k]] + " = " + m[k + 1];
    if (out.length > 400) break;
  }
  return out;
}
