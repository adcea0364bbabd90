//go:build unix

package evidence

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// Windows has symbolic links as well, but asks for a privilege to make them.
func TestWalkDoesNotFollowLinksBelowARoot(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "e/1.log"), []byte("x"))
	write(t, filepath.Join(dir, "outside/2.log"), []byte("x"))
	for link, to := range map[string]string{"e/loop": "../e", "e/out": "../outside", "e/file": "1.log", "root": "e"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, root := range []string{"e", "root"} { // a root that is itself a link was named by the user
		items, unread, err := Walk(context.Background(), []Root{{"o", filepath.Join(dir, root)}})
		if err != nil || names(items) != "o:1.log" || len(unread) != 3 {
			t.Errorf("%s: %s, %d unread, %v", root, names(items), len(unread), err)
		}
	}
}
