package census

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/exposure"
)

func observed(t *testing.T, l *Logs, cut bool) []exposure.Observation {
	t.Helper()
	c, err := exposure.New(exposure.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	l.Into(c, func(_, _ string) bool { return cut })
	var all []exposure.Observation
	for _, o := range c.Result().Orgs {
		all = append(all, o.Observed...)
	}
	return all
}

// query makes a batch of statements: user, client, statement, rows.
func query(at int64, rows ...[4]string) *event.Batch {
	b := event.NewBuilder(event.Source{Product: "postgresql", Category: "database"})
	for i, r := range rows {
		b.Row(at, uint64(i), uint64(i), nil)
		for k, name := range []string{"user", "client", "statement", "rows"} {
			if r[k] != "" {
				b.Text(b.Field(name), []byte(r[k]))
			}
		}
	}
	return b.Batch()
}

// Whatever the goroutines and the order, the numbers are those of one reader.
func TestLogsOfAnyOrderGiveTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var batches []*event.Batch
	want := map[string]amount{}
	for range 60 {
		rows := uint64(r.IntN(500))
		verb := []string{"select a from b", "insert into b select 1", "(SELECT 1)"}[r.IntN(3)]
		said := r.IntN(4) > 0
		row := [4]string{[]string{`CORP\eve`, "eve@shop", "bob"}[r.IntN(3)], []string{"198.51.100.7:4000", "203.0.113.9"}[r.IntN(2)], verb, ""}
		if said {
			row[3] = jsonText(rows)
		} else {
			rows = 0
		}
		batches = append(batches, query(100, row))
		by := "eve"
		if row[0] == "bob" {
			if by = "198.51.100.7"; row[1] == "203.0.113.9" {
				continue
			}
		}
		if verb[0] == 'i' {
			continue
		}
		a := want[by]
		a.records, a.most, a.least = a.records+1, a.most+rows, max(a.least, rows)
		if !said {
			a.unsaid++
		}
		want[by] = a
	}
	var first []byte
	for _, readers := range []int{1, 3} {
		l := NewLogs([]string{"eve", "198.51.100.7"}, event.Always(nil))
		all := make([]*LogReader, readers)
		for i := range all {
			all[i] = l.Reader("alpha")
		}
		for n, i := range r.Perm(len(batches)) {
			if err := all[n%readers].Batch("db.log", batches[i]); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range all {
			if err := one.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		got := observed(t, l, false)
		for _, o := range got {
			a := want[o.By]
			if o.Lower != a.least || o.Records != a.records || o.Unsaid != a.unsaid || (o.Upper == nil) != (a.unsaid > 0) || o.Upper != nil && *o.Upper != a.most {
				t.Errorf("%+v, want %+v", o, a)
			}
		}
		text, err := json.Marshal(got)
		if err != nil || len(got) != len(want) || l.Read() != 60 {
			t.Fatalf("%s %v, %d records", text, err, l.Read())
		}
		if first != nil && string(text) != string(first) {
			t.Errorf("%d readers:\n%s\nwant\n%s", readers, text, first)
		}
		first = text
		for _, o := range observed(t, l, true) {
			if o.Upper != nil {
				t.Errorf("a log that breaks off bounds nothing: %+v", o)
			}
		}
	}
}

func jsonText(n uint64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestWhoseAndWhat(t *testing.T) {
	l := NewLogs([]string{"Eve", `CORP\dba`, "2001:db8::7", "198.51.100.7"}, event.Always(nil))
	for value, want := range map[string]string{"eve": "Eve", `corp\EVE`: "Eve", "eve@db1": "Eve", `corp\DBA`: `CORP\dba`, "dba": "", `OTHER\dba`: "", "198.51.100.7:50000": "198.51.100.7", "[2001:db8::7]:1": "2001:db8::7", "198.51.100.70": "", "": "", "@": "", "eve2": ""} {
		if got := l.whose(value); got != want {
			t.Errorf("%q is %q's, want %q", value, got, want)
		}
	}
	for statement, want := range map[string]bool{"select 1": true, "\n ( SELECT 1)": true, "with x as (select 1) select * from x": true, "COPY t TO '/tmp/x'": true, "SL": true, "update t set a=1": false, "INSERT": false, "": false, "selection": false, "-- c\n/* d */ # e\r\n(select 1": true, "/* select 1": false, "--": false} {
		if got := returns(statement, 0); got != want {
			t.Errorf("%q returns rows: %v", statement, got)
		}
	}
	if !returns("analyse t", 3) || returns("delete from t", 3) {
		t.Error("the log's own count of rows is not heeded")
	}
	within := event.Needs{Since: 50, Until: 100}
	l = NewLogs([]string{"eve"}, within)
	r := l.Reader("alpha")
	most := jsonText(1<<62 - 1)
	for _, at := range []int64{49, 50, 99, 100, event.NoTime} {
		if err := r.Batch("db.log", query(at, [4]string{"eve", "", "select 1", most})); err != nil {
			t.Fatal(err)
		}
	}
	_ = r.Flush()
	if got := observed(t, l, false); len(got) != 1 || got[0].Records != 3 || *got[0].Upper != math.MaxInt64 {
		t.Errorf("%+v", got)
	}
}

// What logs told is taken from the journal by the same question of the same evidence, and by no other.
func TestLogsAreKept(t *testing.T) {
	dir := folder(t, map[string][]byte{"db.log": []byte("x")})
	q := question(dir)
	q.Journal = t.TempDir()
	within := event.Needs{Since: 50, Until: 1000}
	l := NewLogs([]string{"eve", "198.51.100.7"}, within)
	r := l.Reader("alpha")
	if err := r.Batch("db.log", query(100, [4]string{"eve", "", "select 1", "5"}, [4]string{"eve", "", "select 2", ""}, [4]string{"bob", "198.51.100.7", "select 3", "70"})); err != nil {
		t.Fatal(err)
	}
	_ = r.Flush()
	at := func(q Question, l *Logs, sources string) *KeptLogs {
		k, err := q.KeptLogs(t.Context(), l, []byte(sources))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	cut := map[[2]string]bool{{"alpha", "db.log"}: true}
	if err := at(q, l, "s").Save(l, cut); err != nil {
		t.Fatal(err)
	}
	back := NewLogs([]string{"198.51.100.7", "eve"}, within)
	got, ok, err := at(q, back, "s").Load(back)
	if err != nil || !ok || !reflect.DeepEqual(got, cut) || back.Read() != l.Read() || !reflect.DeepEqual(back.taken, l.taken) {
		t.Errorf("%v %v %v\n%+v\nwant %+v", got, ok, err, back.taken, l.taken)
	}
	limited := q
	limited.Passwords = []string{"x"}
	for name, k := range map[string]*KeptLogs{"others": at(q, NewLogs([]string{"eve"}, within), "s"), "another time": at(q, NewLogs([]string{"eve", "198.51.100.7"}, event.Needs{}), "s"),
		"another clock": at(q, back, "t"), "another password": at(limited, back, "s")} {
		if _, ok, err := k.Load(NewLogs(nil, within)); ok || err != nil {
			t.Errorf("kept for %s: %v %v", name, ok, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "db.log"), []byte("xy"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := at(q, back, "s").Load(back); ok {
		t.Error("kept for other evidence")
	}
	q.Journal = ""
	if at(q, back, "s") != nil {
		t.Error("a place without a journal")
	}
}
