package audit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string, o Options) *Log {
	t.Helper()
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func record(t *testing.T, l *Log, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := l.Record(t.Context(), observe.Action{Name: name, UserID: "op"}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, path string) Report {
	t.Helper()
	r, err := Verify(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func names(p Page) string {
	var list []string
	for _, l := range p.Lines {
		list = append(list, l.Name)
	}
	return strings.Join(list, " ")
}

func TestRecordIsOnDiskForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	l := open(t, path, Options{})
	at := time.Date(2026, 11, 23, 4, 0, 0, 1e6, time.UTC)
	hostile := "a\nb\x1b[31m\u2028\u202e\u009b\"\\\xff😀"
	err := l.Record(t.Context(), observe.Action{
		Time: at, Name: "tokens.revoked", UserID: hostile, Via: "token:1", RemoteAddr: "::1",
		Details: map[string]string{"user": hostile, "long": strings.Repeat("é", maxText)},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range bytes.TrimSuffix(text, []byte("\n")) {
		if b < ' ' || b > '~' {
			t.Fatalf("byte %d is %#x in %q", i, b, text)
		}
	}
	if !bytes.HasPrefix(text, []byte(`{"seq":1,"time":"2026-11-23T04:00:00.001Z","action":"tokens.revoked","user":"a\u000ab\u001b[31m\u2028`)) {
		t.Errorf("the line is %s", text)
	}
	p, err := l.Read(t.Context(), Query{})
	if err != nil || len(p.Lines) != 1 {
		t.Fatalf("read %+v, %v", p, err)
	}
	got := p.Lines[0]
	want := strings.ToValidUTF8(hostile, "\uFFFD")
	if got.User != want || got.Details["user"] != want || got.Via != "token:1" || got.From != "::1" || !got.Time.Equal(at) || got.Count != 1 {
		t.Errorf("it reads as %+v", got)
	}
	if n := len(got.Details["long"]); n > maxText+3 {
		t.Errorf("a long text has %d bytes", n)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestVerifyShowsWhatWasDone(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(lines [][]byte) [][]byte
		well bool
	}{
		{"nothing", func(l [][]byte) [][]byte { return l }, true},
		{"a line was taken out", func(l [][]byte) [][]byte { return append(l[:2:2], l[3:]...) }, false},
		{"the first was taken out", func(l [][]byte) [][]byte { return l[1:] }, true}, // as when an old file was removed
		{"a line was changed", func(l [][]byte) [][]byte { l[2] = bytes.Replace(l[2], []byte("op"), []byte("oq"), 1); return l }, false},
		{"two have changed places", func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l }, false},
		{"a line is another's", func(l [][]byte) [][]byte { l[2] = []byte("hello\n"); return l }, false},
		{"a line was put in", func(l [][]byte) [][]byte { return append(l[:2:2], append([][]byte{l[1]}, l[2:]...)...) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.jsonl")
			l := open(t, path, Options{})
			record(t, l, "a", "b", "c", "d", "e")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
			lines[4] = append(lines[4], '\n')
			if err := os.WriteFile(path, bytes.Join(c.do(lines), nil), 0o600); err != nil {
				t.Fatal(err)
			}
			record(t, l, "f") // it goes on from what is there
			r := verify(t, path)
			if (len(r.Damage) == 0) != c.well {
				t.Errorf("Verify says %+v", r)
			}
		})
	}
}

func TestFilesArePutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	l := open(t, path, Options{MaxBytes: 1000, Keep: 3})
	for i := range 60 {
		record(t, l, fmt.Sprintf("n%02d", i))
	}
	aside, err := setAside(path)
	if err != nil || len(aside) != 3 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	r := verify(t, path)
	if len(r.Damage) > 0 || r.Files != 4 || r.First == 1 || r.Last < 60 {
		t.Errorf("Verify says %+v", r)
	}
	var got []string
	q := Query{Limit: 3, Match: func(l *Line) bool { return strings.HasPrefix(l.Name, "n") }}
	for {
		p, err := l.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if p.Newest != r.Last || len(p.Lines) > 3 {
			t.Fatalf("a page is %+v", p)
		}
		for _, line := range p.Lines {
			got = append(got, line.Name)
		}
		if p.Next == 0 {
			break
		}
		q.Before = p.Next
	}
	if len(got) < 9 {
		t.Fatalf("only %q was read", got)
	}
	for i, name := range got {
		if name != fmt.Sprintf("n%02d", 59-i) {
			t.Fatalf("line %d from the end is %s of %q", i, name, got)
		}
	}
	// Another one goes on where this one ended, over the end of a file too.
	l.Close()
	if err := os.Rename(path, asideName(path, r.Last)); err != nil {
		t.Fatal(err)
	}
	record(t, open(t, path, Options{Keep: 100}), "after")
	if again := verify(t, path); len(again.Damage) > 0 || again.Last != r.Last+1 {
		t.Errorf("Verify says %+v", again)
	}
}

// TestPagesOfAPathThatIsNotClean: however the path is written, all files are read.
func TestPagesOfAPathThatIsNotClean(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"a.jsonl", "./b.jsonl", ".//x/../c.jsonl"} {
		if err := os.MkdirAll("x", 0o700); err != nil {
			t.Fatal(err)
		}
		l := open(t, path, Options{MaxBytes: 1000, Keep: 100})
		for range 60 {
			record(t, l, "a")
		}
		lines, q := 0, Query{Limit: 3, Match: func(l *Line) bool { return l.Name == "a" }}
		for {
			p, err := l.Read(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			lines += len(p.Lines)
			if p.Next == 0 {
				break
			}
			q.Before = p.Next
		}
		if lines != 60 {
			t.Errorf("%s: %d lines were read, want 60", path, lines)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "a.jsonl"), Options{})
	record(t, l, "a", "b", "c", "d", "e", "f")
	never := func(*Line) bool { return false }
	p, err := l.Read(t.Context(), Query{Scan: 2, Match: never})
	if err != nil || len(p.Lines) != 0 || p.Next != 5 {
		t.Errorf("a page that looks at two lines is %+v, %v", p, err)
	}
	p, err = l.Read(t.Context(), Query{Before: p.Next, Until: func(l *Line) bool { return l.Name == "b" }})
	if err != nil || names(p) != "d c" || p.Next != 0 {
		t.Errorf("until b: %+v, %v", p, err)
	}
	if p, err = l.Read(t.Context(), Query{After: 4}); err != nil || names(p) != "f e" {
		t.Errorf("after 4: %+v, %v", p, err)
	}
	if p, err = Read(t.Context(), filepath.Join(t.TempDir(), "none.jsonl"), Query{}); err != nil || len(p.Lines) != 0 {
		t.Errorf("a file that is not there: %+v, %v", p, err)
	}
}

func TestALineThatACrashCutIsToldOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	l := open(t, path, Options{})
	record(t, l, "a")
	l.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"seq":2,"ti`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	l = open(t, path, Options{})
	record(t, l, "b")
	p, err := l.Read(t.Context(), Query{})
	if err != nil || names(p) != "b audit.repaired a" || p.Lines[1].Details["bytes"] != "12" {
		t.Errorf("read %+v, %v", p, err)
	}
	if r := verify(t, path); len(r.Damage) > 0 {
		t.Errorf("Verify says %+v", r)
	}
}

func TestSeveralWriteToOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	o := Options{MaxBytes: 4000, Keep: 1000}
	logs := []*Log{open(t, path, o), open(t, path, o), open(t, path, o)}
	const each = 40
	var wg sync.WaitGroup
	for _, l := range logs {
		for range 2 {
			wg.Go(func() {
				for range each {
					if err := l.Record(context.Background(), observe.Action{Name: "x"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	p, err := Read(t.Context(), path, Query{Limit: 1000, Match: func(l *Line) bool { return l.Name == "x" }})
	if err != nil || len(p.Lines) != 6*each {
		t.Errorf("%d lines, %v", len(p.Lines), err)
	}
	if r := verify(t, path); len(r.Damage) > 0 {
		t.Errorf("Verify says %+v", r)
	}
}

func TestRefusedSignInsFillNoDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	l := open(t, path, Options{Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	const tries = 50_000
	for i := range tries {
		l.Refused(observe.Action{Name: "sign-in.refused", RemoteAddr: fmt.Sprint(i % 1000), Details: map[string]string{"why": "old"}})
	}
	record(t, l, "an administrator is heard all the same")
	l.Close()
	p, err := Read(t.Context(), path, Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, line := range p.Lines {
		if line.Name == "sign-in.refused" {
			total += line.Count
		}
	}
	if total != tries || len(p.Lines) > 2*maxKinds+2 {
		t.Errorf("%d tries in %d lines, want %d in at most %d", total, len(p.Lines), tries, 2*maxKinds+2)
	}
	if err := l.Record(t.Context(), observe.Action{Name: "late"}); err != ErrClosed {
		t.Errorf("after the end: %v", err)
	}
}

func TestAStretchOfRefusedSignInsEnds(t *testing.T) {
	var r refusals
	at := time.Unix(1000, 0)
	a := observe.Action{Time: at, Name: "sign-in.refused", RemoteAddr: "1"}
	if !r.add(a) || r.add(a) || r.add(a) {
		t.Fatal("not the first alone was to be written")
	}
	if r.due(at.Add(time.Minute-1), time.Minute) || !r.due(at.Add(time.Minute), time.Minute) || !r.due(at.Add(-1), time.Minute) {
		t.Error("the stretch does not end when it should")
	}
	list := r.take(at.Add(time.Minute))
	if len(list) != 1 || list[0].Count != 2 || list[0].Details["since"] != "1970-01-01T00:16:40.000Z" {
		t.Errorf("left to write: %+v", list)
	}
	if !r.add(a) {
		t.Error("the next stretch does not begin anew")
	}
}

func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	path := filepath.Join(dir, "a.jsonl")
	if _, err := Open(path, Options{}); err == nil {
		t.Fatal("a log without its folder was opened")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := open(t, path, Options{})
	record(t, l, "a")
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(t.Context(), observe.Action{Name: "b"}); err == nil {
		t.Error("an action was written to a folder that is away")
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	record(t, l, "c")
	if p, err := l.Read(t.Context(), Query{}); err != nil || names(p) != "c a" {
		t.Errorf("read %+v, %v", p, err)
	}
}
