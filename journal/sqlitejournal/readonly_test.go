package sqlitejournal

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// names are the files in the folder of path.
func names(t *testing.T, path string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range list {
		all = append(all, f.Name())
	}
	return all
}

func TestReadOnlyLeavesTheFolderAsItWas(t *testing.T) {
	path := closedJournal(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := names(t, path)
	read := func() *Journal {
		t.Helper()
		view, err := OpenReadOnly(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if report, err := view.Check(t.Context(), nil); err != nil || len(report.Damage) > 0 {
			t.Fatalf("check: %+v, %v", report, err)
		}
		return view
	}
	done := func(view *Journal) {
		t.Helper()
		if err := view.Close(); err != nil {
			t.Fatal(err)
		}
	}
	done(read())
	if got := names(t, path); !slices.Equal(got, files) {
		t.Errorf("after reading: %v, was %v", got, files)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file has changed, or cannot be read: %v", err)
	}

	// Of two readers the first to end takes nothing from under the other.
	first, second := read(), read()
	done(first)
	wantLog(t, second, "ops", "first of ops", "second of ops", "third of ops")
	done(second)

	// A server that has begun meanwhile goes on.
	view := read()
	j := mustOpen(t, path, Options{})
	done(view)
	mustAppend(t, j, "ops", 3, "b")
	wantLog(t, j, "ops", "first of ops", "second of ops", "third of ops", "b")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); !slices.Equal(got, files) {
		t.Errorf("after the server: %v, was %v", got, files)
	}
}
