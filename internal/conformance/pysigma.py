"""Run Sigma rules with pySigma's SQLite backend and say which rows match.

Standard input is one JSON object:

    tables  [{"columns": [name, …], "rows": [[value or null, …], …]}, …]
    tasks   [{"rule": YAML, "table": index, "names": {field: column}, "where": {column: [value, …]},
              "placeholders": {name: [value, …]}}, …]

Values are text. Standard output is one JSON list with an entry per task: {"rows": [index, …]} or {"error": text}.
A column is NUMERIC when each of its values is a number in its shortest form, else TEXT; both compare without regard
to case, as the backend expects of its table. Nothing is read or written besides.
"""

import functools
import json
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation, ValueListPlaceholderTransformation

FULLTEXT = "_fulltext"
SHORTEST = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{0,8}[1-9])?\Z")


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def regexp(pattern, value):
    return value is not None and re.search(pattern, str(value)) is not None


def create(db, number, table):
    """Create a table; names that differ only in case are one column, the first value counts."""
    at = {}
    for i, name in enumerate(table["columns"]):
        at.setdefault(name.lower(), (name, []))[1].append(i)
    kept = list(at.values())
    rows = []
    for row in table["rows"]:
        rows.append([next((row[i] for i in places if row[i] is not None), None) for _, places in kept])
    types = []
    for i in range(len(kept)):
        values = [r[i] for r in rows if r[i] is not None]
        numeric = values and all(SHORTEST.match(v) for v in values)
        types.append("NUMERIC" if numeric else "TEXT")
    columns = [quoted(name) + " " + kind + " COLLATE NOCASE" for (name, _), kind in zip(kept, types)]
    columns += [quoted(FULLTEXT) + " TEXT", "`_row` INTEGER"]
    db.execute(f"CREATE TABLE t{number} ({', '.join(columns)})")
    marks = ",".join("?" * len(columns))
    for i, row in enumerate(rows):
        text = "\n".join(v for v in table["rows"][i] if v is not None)
        db.execute(f"INSERT INTO t{number} VALUES ({marks})", row + [text, i])
    return set(at) | {FULLTEXT}


@functools.cache
def converted(rule, names, placeholders):
    """The conditions of a rule's queries and the fields it needs; a rule is asked of many tables, and its conversion is what takes time."""
    names, placeholders = json.loads(names), json.loads(placeholders)
    items = [ProcessingItem(ValueListPlaceholderTransformation())] if placeholders else []
    if names:
        items.append(ProcessingItem(FieldMappingTransformation(names)))
    backend = sqliteBackend(ProcessingPipeline(items=items, vars=placeholders), table="any", fulltext_field=FULLTEXT)
    out = []
    for one in SigmaCollection.from_yaml(rule).rules:
        if isinstance(one, SigmaCorrelationRule):  # read, and its rules are there; rows are for single events
            continue
        conditions = [query.split(" WHERE ", 1)[1] for query in backend.convert_rule(one)]
        out.append((conditions, backend.required_fields(one)))
    return out


def run(db, known, task):
    rules = converted(task["rule"], json.dumps(task.get("names") or {}), json.dumps(task.get("placeholders") or {}))
    table = f"t{task['table']}"
    where = ""
    for column, values in (task.get("where") or {}).items():
        if column.lower() not in known:
            return []
        where += f" AND {quoted(column)} IN ({','.join('?' * len(values))})"
    found = set()
    for conditions, fields in rules:
        for field in fields:
            if field.lower() not in known:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(field)} TEXT COLLATE NOCASE")
                known.add(field.lower())
        for condition in conditions:
            parameters = [v for values in (task.get("where") or {}).values() for v in values]
            found.update(r[0] for r in db.execute(f"SELECT `_row` FROM {table} WHERE ({condition}){where}", parameters))
    return sorted(found)


def main():
    data = json.load(sys.stdin)
    db = sqlite3.connect(":memory:")
    db.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 10_000) if hasattr(db, "setlimit") else None
    db.create_function("REGEXP", 2, regexp, deterministic=True)
    known = [create(db, i, t) for i, t in enumerate(data["tables"])]
    out = []
    for task in data["tasks"]:
        try:
            out.append({"rows": run(db, known[task["table"]], task)})
        except Exception as error:  # whatever pySigma or SQLite refuse is an answer
            out.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(out, sys.stdout)


main()
