// Package sqlitefiletest is what the tests of all stores in small SQLite files share.
package sqlitefiletest

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Run holds a store to what package sqlitefile promises. open opens it, write makes it write
// something, otherwise is a part of what it advises for a file that is damaged.
func Run[S io.Closer](t *testing.T, open func(ctx context.Context, path string) (S, error), write func(ctx context.Context, s S) error, otherwise string) {
	opened := func(t *testing.T, path string) S {
		t.Helper()
		s, err := open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() }) // again, where a test has closed it
		return s
	}

	t.Run("it refuses with advice", func(t *testing.T) {
		dir := t.TempDir()
		for _, c := range []struct {
			name, path, want string
			make             func(path string) error
		}{
			{"in use", "used.db", "stop that one first", func(path string) error { opened(t, path); return nil }},
			{"no folder", "none/w.db", "create it", func(string) error { return nil }},
			{"no database", "text.db", otherwise, func(path string) error {
				return os.WriteFile(path, []byte(strings.Repeat("no database at all ", 100)), 0o600)
			}},
			{"a folder", "folder", "is a directory", func(path string) error { return os.Mkdir(path, 0o700) }},
		} {
			path := filepath.Join(dir, c.path)
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			s, err := open(t.Context(), path)
			if err == nil {
				_ = s.Close()
				t.Errorf("%s: it is opened", c.name)
			} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("%s: %v, want it to say %q", c.name, err, c.want)
			}
		}
	})

	t.Run("it is its owner's alone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a file with % and ?.db")
		opened(t, path)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
	})

	t.Run("it takes nothing into a file that was removed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "gone.db")
		s := opened(t, path)
		if err := write(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		for _, replaced := range []bool{false, true} {
			if replaced {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := write(t.Context(), s); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), otherwise) {
				t.Errorf("written to a file that is not in its place: %v", err)
			}
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), s); err != nil {
			t.Errorf("the file is back: %v", err)
		}
	})
}
