package casefile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

func TestReadOnlyFolderIsReadAndClearlyRefused(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	must[[]Entry](t)(c.Record(bg, lead, Draft{Kind: Note, Why: "w"}))
	c.Close()
	cmd := command(t, self(t), "read-only", c, lead)
	const nobody = 65534
	if os.Getuid() == 0 { // root writes everywhere: become somebody who does not
		exe := filepath.Join(filepath.Dir(c.Dir()), "exe")
		b, err := os.ReadFile(self(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(exe, b, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.Path, cmd.Args = exe, []string{exe}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = "/"
		keyFile := ""
		for _, e := range cmd.Env {
			if v, ok := strings.CutPrefix(e, childKey+"="); ok {
				keyFile = v
			}
		}
		os.Chown(keyFile, nobody, nobody)
		for _, dir := range []string{filepath.Dir(keyFile), filepath.Dir(filepath.Dir(keyFile)), filepath.Dir(c.Dir()), filepath.Dir(filepath.Dir(c.Dir()))} {
			os.Chmod(dir, 0o755)
		}
	}
	var dirs []string
	filepath.WalkDir(c.Dir(), func(path string, d fs.DirEntry, err error) error {
		mode := os.FileMode(0o400)
		if d.IsDir() {
			mode = 0o500
			dirs = append(dirs, path)
		}
		if os.Getuid() == 0 {
			os.Chown(path, nobody, nobody)
		}
		return os.Chmod(path, mode)
	})
	t.Cleanup(func() {
		for _, d := range dirs {
			os.Chmod(d, 0o700)
		}
	})
	out, err := cmd.Output()
	if err == nil || !strings.Contains(string(out), "read 2") || !strings.Contains(string(out), "verified true") ||
		!strings.Contains(string(out), "cannot be written; it can still be read") || !strings.Contains(string(out), c.Dir()) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestFullDiskIsClearlyToldAndLosesNothing(t *testing.T) {
	disk := t.TempDir()
	require.Permission(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"), "no small disk can be mounted; the ledger's own test makes writes fail instead")
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	lead := key(t, "lead")
	c, err := New(bg, filepath.Join(disk, "case"), NewOptions{Lead: lead})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	acked := uint64(1)
	for range 1000 {
		if _, err = c.Record(bg, lead, Draft{Kind: Note, Why: "w", Summary: strings.Repeat("x", 5000)}); err != nil {
			break
		}
		acked++
	}
	if err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("%v", err)
	}
	c.Close()
	rep := verified(t, c.Dir(), VerifyOptions{})
	if rep.Entries != acked || rep.Head.Size != acked {
		t.Errorf("%d of %d: %s", rep.Entries, acked, rep)
	}
	os.Remove(filepath.Join(c.Dir(), cacheFile)) // room, at the expense of what can be rebuilt
	must[[]Entry](t)(c.Record(bg, lead, Draft{Kind: Note, Why: "there is room again"}))
}

// A pipe would be waited for without end, and nobody can read it again.
func TestAPipeIsNoEvidence(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReceiveEvidence(bg, lead, pipe, Receipt{From: "a", To: "b", Why: "w"}); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Error(err)
	}
}
