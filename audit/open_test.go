package audit

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/observe"
)

// A file that is put aside, or removed for its age, at the moment of reading looks like no damage,
// and no line of those that stay is passed over.
func TestReadingWhileFilesArePutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	l := open(t, path, Options{MaxBytes: 1, Keep: 5})
	record(t, l, "n000")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 150 {
			if err := l.Record(context.Background(), observe.Action{Name: fmt.Sprintf("n%03d", i+1)}); err != nil {
				t.Error(err)
			}
		}
	}()
	defer func() { <-ended }()
	newest := uint64(0)
	for running := true; running; {
		select {
		case <-ended:
			running = false
		default:
		}
		r := verify(t, path)
		if len(r.Damage) > 0 || r.Last < newest {
			t.Fatalf("after line %d, Verify says %+v", newest, r)
		}
		newest = r.Last
		p, err := Read(t.Context(), path, Query{Match: func(l *Line) bool { return strings.HasPrefix(l.Name, "n") }})
		if err != nil || len(p.Lines) == 0 || p.Newest < newest {
			t.Fatalf("after line %d, read %+v, %v", newest, p, err)
		}
		newest = p.Newest
		last := 0
		for i, line := range p.Lines {
			n := 0
			if _, err := fmt.Sscanf(line.Name, "n%d", &n); err != nil || i > 0 && n != last-1 {
				t.Fatalf("%s follows on n%03d, %v", line.Name, last, err)
			}
			last = n
		}
	}
}

func TestNegativeOptionsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	for _, o := range []Options{{MaxBytes: -1}, {Keep: -1}, {Refused: -1}} {
		if _, err := Open(path, o); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}
