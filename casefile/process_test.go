package casefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
)

// The test binary runs itself as another process when these are set.
const (
	childMode = "CASEFILE_TEST_CHILD"
	childDir  = "CASEFILE_TEST_DIR"
	childKey  = "CASEFILE_TEST_KEY"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		if err := child(mode); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(mode string) error {
	by, err := keys.Load(os.Getenv(childKey))
	if err != nil {
		return err
	}
	c, err := Open(bg, os.Getenv(childDir), Options{Wait: waitOf(mode)})
	if err != nil {
		return err
	}
	defer c.Close()
	switch mode {
	case "forever", "forty":
		for i := 0; mode == "forever" || i < 40; i++ {
			if mode == "forever" && i%4 == 3 { // a result that is kept in the case, too
				doc := filepath.Join(filepath.Dir(c.Dir()), "trail.json")
				if err := os.WriteFile(doc, fmt.Appendf(nil, `{"pid":%d,"i":%d,"x":%q}`, os.Getpid(), i, strings.Repeat("x", 300_000)), 0o600); err != nil {
					return err
				}
				e, err := c.ImportDocument(bg, by, TrailImported, doc, ImportOptions{Why: "w"})
				if err != nil {
					return err
				}
				fmt.Printf("ack %d %s\n", e.Seq, e.raw.Hash())
				continue
			}
			drafts := make([]Draft, 1+i%3)
			for j := range drafts {
				drafts[j] = Draft{Kind: Note, Why: fmt.Sprintf("process %d", os.Getpid()), Summary: strings.Repeat("x", 1+i%700)}
			}
			es, err := c.Record(bg, by, drafts...)
			if err != nil {
				return err
			}
			for _, e := range es {
				fmt.Printf("ack %d %s\n", e.Seq, e.raw.Hash())
			}
		}
	case "once", "read-only":
		n := 0
		for _, err := range c.Entries(bg, Query{}) {
			if err != nil {
				return err
			}
			n++
		}
		fmt.Println("read", n)
		rep, err := Verify(bg, c.Dir(), VerifyOptions{})
		if err != nil {
			return err
		}
		fmt.Println("verified", rep.OK())
		_, err = c.Record(bg, by, Draft{Kind: Note, Why: "w"})
		return err
	}
	return nil
}

func waitOf(mode string) time.Duration {
	if mode == "once" {
		return 100 * time.Millisecond
	}
	return 30 * time.Second
}

func command(tb testing.TB, exe, mode string, c *Case, by *keys.Private) *exec.Cmd {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "k.key")
	if err := by.Save(path); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childMode+"="+mode, childDir+"="+c.Dir(), childKey+"="+path)
	return cmd
}

func self(tb testing.TB) string { return must[string](tb)(os.Executable()) }

func TestKilledAtAnyMomentLosesNothing(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	rng := rand.New(rand.NewPCG(9, 50))
	acked := map[uint64]string{}
	runs := 50
	if testing.Short() {
		runs = 5
	}
	for run := range runs {
		cmd := command(t, self(t), "forever", c, lead)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(out)
		first := true
		for sc.Scan() {
			var seq uint64
			var hash string
			if n, _ := fmt.Sscanf(sc.Text(), "ack %d %s", &seq, &hash); n == 2 {
				acked[seq] = hash
			}
			if first {
				first = false
				time.AfterFunc(time.Duration(rng.IntN(60_000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
		}
		cmd.Wait()
		if first {
			t.Fatalf("run %d: nothing was acknowledged", run)
		}
		checkKilled(t, c, lead, acked, run)
	}
	// Nothing of what was interrupted keeps the case from being exported and sealed.
	if err := os.WriteFile(filepath.Join(c.Dir(), "evidence", ".tmp-123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Export(bg, &bytes.Buffer{}, ExportOptions{By: lead, Why: "w"}); err != nil {
		t.Error(err)
	}
	if err := c.Seal(bg, lead, "w"); err != nil {
		t.Error(err)
	}
	if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() {
		t.Errorf("sealed: %s", rep)
	}
	if err := os.WriteFile(filepath.Join(c.Dir(), "evidence", ".tmp-123"), []byte("added"), 0o600); err != nil {
		t.Fatal(err)
	}
	if rep := verified(t, c.Dir(), VerifyOptions{}); rep.OK() {
		t.Error("a file that was added to a sealed case is not noticed")
	}
	t.Logf("%d entries acknowledged over %d kills", len(acked), runs)
}

func checkKilled(t *testing.T, c *Case, lead *keys.Private, acked map[uint64]string, run int) {
	t.Helper()
	if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() {
		t.Fatalf("run %d, before repair: %s", run, rep)
	}
	again := must[*Case](t)(Open(bg, c.Dir(), Options{}))
	defer again.Close()
	must[[]Entry](t)(again.Record(bg, lead, Draft{Kind: Note, Why: "after the crash"}))
	if rep := verified(t, c.Dir(), VerifyOptions{}); !rep.OK() {
		t.Fatalf("run %d, after repair: %s", run, rep)
	}
	found := 0
	for e, err := range again.Entries(bg, Query{}) {
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if want, ok := acked[e.Seq]; ok {
			found++
			if want != fmt.Sprint(e.raw.Hash()) {
				t.Fatalf("run %d: entry %d is not the one that was acknowledged", run, e.Seq)
			}
		}
	}
	if found != len(acked) {
		t.Fatalf("run %d: %d of %d acknowledged entries", run, found, len(acked))
	}
}

func TestTwoProcessesWriteOneCase(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	var cmds []*exec.Cmd
	var outs []*bytes.Buffer
	for range 2 {
		cmd, out := command(t, self(t), "forty", c, lead), &bytes.Buffer{}
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds, outs = append(cmds, cmd), append(outs, out)
	}
	for range 20 { // and this process, too
		must[[]Entry](t)(c.Record(bg, lead, Draft{Kind: Note, Why: "parent"}))
	}
	seen := map[string]bool{}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, outs[i])
		}
		for line := range strings.Lines(outs[i].String()) {
			if seen[line] {
				t.Errorf("acknowledged twice: %s", line)
			}
			seen[line] = true
		}
	}
	rep := verified(t, c.Dir(), VerifyOptions{})
	if want := uint64(1 + 20 + len(seen)); !rep.OK() || rep.Entries != want || len(seen) != 2*79 {
		t.Errorf("%d entries of %d: %s", rep.Entries, want, rep)
	}
	n := 0
	for _, err := range c.Entries(bg, Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if uint64(n) != rep.Entries {
		t.Errorf("the cache has %d", n)
	}
}

func TestSecondProcessIsTold(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	var out []byte
	err := c.led.Update(bg, func(*ledger.Writer) error {
		out, _ = command(t, self(t), "once", c, lead).Output()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(out); !strings.Contains(s, "read 1") || !strings.Contains(s, ledger.ErrLocked.Error()) {
		t.Errorf("%s", s)
	}
}

func TestNewCaseLeavesNothingBehindWhenItFails(t *testing.T) {
	dir := t.TempDir()
	lead := key(t, "lead")
	if _, err := New(bg, filepath.Join(dir, "none", "x"), NewOptions{Lead: lead}); err == nil {
		t.Error("a case in a folder that does not exist")
	}
	if _, err := New(bg, filepath.Join(dir, "x"), NewOptions{}); err == nil {
		t.Error("a case without a lead")
	}
	c := must[*Case](t)(New(bg, filepath.Join(dir, "x"), NewOptions{Lead: lead}))
	c.Close()
	if _, err := New(bg, filepath.Join(dir, "x"), NewOptions{Lead: lead}); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v", err)
	}
	if names := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(names) != 1 {
		t.Errorf("%v", names)
	}
	if _, err := Open(bg, dir, Options{}); err == nil {
		t.Error("a folder that is no case was opened")
	}
}
