package sqlitejournal

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// openFiles gives what is open through our VFS under a path.
func openFiles(path string) (files []*vfsFile) {
	vfsFiles.open.Range(func(_, v any) bool {
		if f, ok := v.(*vfsFile); ok && strings.HasPrefix(f.name, path) {
			files = append(files, f)
		}
		return true
	})
	return files
}

// The tables are written through the VFS of ours, which forgets the files that are closed.
func TestVFSForgetsClosedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, "a", 0, "one")
	names := map[string]int{}
	for _, f := range openFiles(path) {
		names[strings.TrimPrefix(f.name, path)]++
	}
	if fmt.Sprint(names) != "map[:2 -wal:2]" { // of who writes the tables, and who commits
		t.Errorf("open are %v", names)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if left := openFiles(path); len(left) > 0 {
		t.Errorf("%d files are held after closing, such as %s", len(left), left[0].name)
	}
}

// SQLite's locks hold between a connection through our VFS and one through its own.
func TestVFSSharesLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	mustOpen(t, path, Options{})
	ours, err := openBeside(path, readWrite)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := openConn(path, readWrite, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range []*conn{ours, theirs} {
			if err := c.close(); err != nil {
				t.Error(err)
			}
		}
	})
	for _, c := range []*conn{ours, theirs} {
		if err := c.exec(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range [][2]*conn{{ours, theirs}, {theirs, ours}} {
		if err := order[0].exec(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		if err := order[1].exec(t.Context(), "BEGIN IMMEDIATE"); classify(err) != busy {
			t.Errorf("while another writes: got %v", err)
		}
		if err := order[0].exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}
