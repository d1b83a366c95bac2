package board

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// listedSnapshot is a snapshot of a build that wrote the op ids themselves, and
// listedEntries are those that it was folded of.
func listedSnapshot(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/format1.snapshot")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(data, []byte("\n"))
}

func listedEntries(t testing.TB) (list []*Entry) {
	t.Helper()
	data, err := os.ReadFile("testdata/format1.log")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		e, err := ParseRecord(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// A snapshot of an older build tells as what each op was committed, and is written again as
// any other.
func TestM8_ASnapshotThatListsOpIDs(t *testing.T) {
	was, err := ParseSnapshot(listedSnapshot(t))
	if err != nil {
		t.Fatal(err)
	}
	s := NewState("ops")
	for _, e := range listedEntries(t) {
		if s, err = s.Fold(e); err != nil {
			t.Fatal(err)
		}
		op := &Op{Type: TypeUpdate, ID: e.ID, DashboardID: "ops", Author: e.Author, WidgetID: "cpu", Hash: e.Hash}
		if d := was.Decide(op, Env{}); d.Replay != e.Version {
			t.Errorf("%q, committed as version %d: %+v", e.ID, e.Version, d)
		}
		op.Hash[15]++
		if d := was.Decide(op, Env{}); d.Refusal == nil || d.Refusal.Code != CodeIDReused {
			t.Errorf("%q with other content: %+v", e.ID, d)
		}
	}
	if got, want := string(was.AppendSnapshot(nil)), string(s.AppendSnapshot(nil)); got != want {
		t.Errorf("written again it is\n%s\nthe log folds to\n%s", got, want)
	}
}

// A mark says as which version an op may have been committed; its entry says whether.
func TestM8_TheEntryTellsOfAnOpID(t *testing.T) {
	w := newWorld(t)
	w.widget("cpu", `{"title":"CPU"}`)
	w.want("applied 2", set("bob", 1, `"id":"x","hash":1,"set":{"/title":"b"}`))
	w.want("applied 3", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"gone","create":true}`)
	w.want("applied 4", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"gone"}`)

	// The op ids of two ops get the mark of x.
	same := markOf(appendOpKey(nil, "bob", "x"))
	text := string(w.state.AppendSnapshot(nil))
	var fields struct{ Committed string }
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	alike := fields.Committed[:2*markSize] + string(same[:]) + string(same[:])
	s, err := ParseSnapshot([]byte(strings.Replace(text, fields.Committed, alike, 1)))
	if err != nil {
		t.Fatal(err)
	}
	w.state = s
	x := w.parse(set("bob", 1, `"id":"x","hash":1,"set":{"/title":"b"}`))
	if d := s.Decide(x, Env{Now: w.now}); d.Need == nil || fmt.Sprint(d.Need.Committed) != "[4 3 2]" {
		t.Fatalf("got %+v", d)
	}
	w.want("replay 2", set("bob", 1, `"id":"x","hash":1,"set":{"/title":"b"}`))
	w.want("refused ID_REUSED", set("bob", 1, `"id":"x","hash":2,"set":{"/title":"b"}`))

	// What the log does not hold at the marked versions is new, also if it looks back for more.
	alike = string(same[:]) + fields.Committed[markSize:2*markSize] + string(same[:]) + string(same[:])
	alike = strings.Replace(alike, fields.Committed[markSize:2*markSize], noMark, 1)
	if s, err = ParseSnapshot([]byte(strings.Replace(text, fields.Committed, alike, 1))); err != nil {
		t.Fatal(err)
	}
	w.state = s
	back := w.parse(`{"type":"WIDGET_UPDATE","by":"bob","id":"x","widgetId":"gone","restore":true}`)
	d := s.Decide(back, Env{Now: w.now})
	if d.Need == nil || len(d.Need.Committed) != 3 || d.Need.Deleted != nil {
		t.Fatalf("first: %+v", d)
	}
	w.log[1].ID = "y"
	if d = s.Decide(w.withHistory(back, d.Need), Env{Now: w.now}); d.Need == nil || len(d.Need.Committed) != 3 || d.Need.Deleted["gone"] != 4 {
		t.Fatalf("then: %+v", d)
	}
	if d = s.Decide(w.withHistory(back, d.Need), Env{Now: w.now}); d.Entry == nil || d.Entry.Version != 5 {
		t.Fatalf("at last: %+v", d)
	}
}

// Whether a state was folded or read, in whatever steps, it writes the same marks; those
// before the horizon go.
func TestM12_MarksReachBackToTheHorizon(t *testing.T) {
	folded := NewState("ops")
	read := folded
	env := Env{NewEpoch: "e", Window: 1500}
	for i := range 4600 {
		d := folded.Decide(&Op{
			Type: TypeSettings, ID: fmt.Sprint("op", i), DashboardID: "ops", Author: Author{"ana", "tab"},
			Set: []Assignment{{"/n", Value(fmt.Sprint(i))}},
		}, env)
		if d.Entry == nil {
			t.Fatalf("%+v", d)
		}
		var err error
		folded = d.Next
		if read, err = read.Fold(d.Entry); err != nil {
			t.Fatal(err)
		}
		if i%377 != 0 && i != 4599 {
			continue
		}
		data := folded.AppendSnapshot(nil)
		if again := read.AppendSnapshot(nil); !bytes.Equal(again, data) {
			t.Fatalf("version %d: read and folded on\n%s\nfolded\n%s", i+1, again, data)
		}
		if read, err = ParseSnapshot(data); err != nil {
			t.Fatal(err)
		}
		if n, want := kept(read), int(read.Version()-read.Horizon()); n != want {
			t.Fatalf("version %d: %d op ids, want %d", i+1, n, want)
		}
	}
	if read.Horizon() != 2500 {
		t.Fatalf("the horizon is %d", read.Horizon())
	}
	for i := range 4600 {
		var want []uint64
		if version := uint64(i + 1); version > 2500 {
			want = []uint64{version}
		}
		if got := read.committed.perhaps("ana", fmt.Sprint("op", i)); !slices.Equal(got, want) {
			t.Fatalf("op%d may be committed as %v, want %v", i, got, want)
		}
	}
	if got := read.committed.perhaps("bob", "op4599"); got != nil {
		t.Errorf("bob's may be %v", got)
	}
}

// BenchmarkMarked measures what the marks cost an op of a dashboard that has just been opened.
func BenchmarkMarked(b *testing.B) {
	data, _ := longLog(b, 20_500)
	s, err := ParseSnapshot(data)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.committed.perhaps("ana", "6c1f0b7e-4000-8000-000000000001") != nil {
			b.Fatal("it is there already")
		}
	}
}
