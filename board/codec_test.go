package board

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full is an entry with something in every field.
func full() *Entry {
	conflict := &Conflict{
		ID: "c", DashboardID: "ops", WidgetID: "w", Kind: KindField, Version: 41,
		Fields: []ConflictField{
			{Path: "/a~1\"b", Base: `1`, Mine: `{"x":[1,{"y":"]}"}]}`, Theirs: `null`, TheirsBy: Author{"eve", "tab"}, TheirsVersion: 40},
			{Path: "/gone", TheirsVersion: 40},
		},
	}
	return &Entry{
		Type: TypeBatch, ID: "op-1", DashboardID: "ops", Epoch: "k3J9", Version: 42, Window: 9000,
		Time: time.UnixMilli(1_800_000_000_123).UTC(), Author: Author{"an\"a\n", "c-1"}, Blind: true,
		Hash: [16]byte{1, 2, 255}, Status: StatusMerged,
		Change: &Change{
			Settings: &Patch{Set: []Assignment{{"/t", `"</x>"`}}, Unset: []Pointer{"/u", "/v"}},
			Widgets: []WidgetChange{
				{ID: "gone", Deleted: true}, {ID: "new", Value: `{"a":1e400}`}, {ID: "w", Patch: &Patch{Unset: []Pointer{"/z"}}},
			},
			Layouts: map[string]*LayoutChange{
				"main":  {Columns: 12, Compact: CompactNone, Items: map[string]*Rect{"new": {1, 2, 3, 4, true}, "gone": nil}},
				"phone": nil,
			},
		},
		Overwrote: []Overwrote{
			{WidgetID: "w", Path: "/z", Author: Author{"eve", "tab"}, Version: 41, Value: `[1,"]"]`},
			{Path: "/t", Version: 40, Omitted: true},
		},
		Report: &Report{Skipped: []string{"/0/ü", ""}, Ignored: []string{"x"}, Results: []Result{
			{Status: resultApplied},
			{Status: resultRefused, Code: CodePath, Message: "a \"b\"", Path: "/x"},
			{Status: resultConflict, Code: CodeConflict, Conflict: conflict},
		}},
	}
}

func TestE7_EverythingComesBackAsItWentIn(t *testing.T) {
	want := full()
	record := EncodeRecord(want)
	got, err := ParseRecord(record.Data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if string(EnvelopeOf(record.Data)) != string(record.Envelope) {
		t.Error("EnvelopeOf gives another part")
	}
	if again := RecordOf(record.Head(), bytes.Clone(record.Envelope)); string(again) != string(record.Data) || len(record.Head())+len(record.Envelope)+1 != len(record.Data) {
		t.Errorf("head and envelope make %s", again)
	}
	sent, err := ParseEnvelope(mustValue(t, string(record.Envelope)))
	if err != nil {
		t.Fatal(err)
	}
	want.Hash, want.Status, want.Report, want.Window = [16]byte{}, "", nil, 0
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
}

// A record is kept, so that it is allocated as large as it is. The time in it is what the
// library writes.
func TestE7_RecordsAreAllocatedAtTheirSize(t *testing.T) {
	set := &Patch{Set: []Assignment{{"/a", "1"}, {"/b", `"x"`}}}
	for _, c := range []*Change{
		{},
		{Settings: set, Widgets: []WidgetChange{{ID: "gone", Deleted: true}, {ID: "new", Value: `{"a":1}`}, {ID: "w", Patch: set}}},
		{Layouts: map[string]*LayoutChange{"main": {Columns: 12, Compact: CompactNone, Items: map[string]*Rect{"w": {1, 2, 3, 4, true}, "gone": nil}}, "phone": nil}},
	} {
		for _, year := range []int{0, 999, 2026, 9999} {
			e := &Entry{
				Type: TypeUpdate, ID: "op-1", DashboardID: "ops", Epoch: "k3J9", Version: 42, Window: 10_000, Via: "token:1",
				Time: time.Date(year, 2, 9, 8, 7, 6, 45_000_000, time.FixedZone("", 3600)), Author: Author{"ana", "c-1"},
				Change: c, Blind: true, Status: StatusMerged,
			}
			data, size := EncodeRecord(e).Data, recordSize(e)
			if over := size - len(data); over < 0 || over > 16+64*len(c.Layouts) {
				t.Errorf("a record of %d bytes is allocated with %d: %s", len(data), size, data)
			}
			if at := e.Time.UTC().Format(`"2006-01-02T15:04:05.000Z"`); !strings.Contains(string(data), at) {
				t.Errorf("no %s in %s", at, data)
			}
		}
	}
	far := time.Date(12026, 1, 2, 3, 4, 5, 0, time.UTC)
	if got, want := string(AppendTime(nil, far)), far.Format(`"2006-01-02T15:04:05.000Z"`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestE7_AnswersComeBackAsTheyWentIn(t *testing.T) {
	want := full()
	overwrote, err := ParseOverwrote(mustValue(t, string(AppendOverwrote(nil, want.Overwrote))))
	if diff := cmp.Diff(want.Overwrote, overwrote); diff != "" || err != nil {
		t.Errorf("overwrote (-want +got): %v\n%s", err, diff)
	}
	results, err := ParseResults(mustValue(t, string(AppendResults(nil, want.Report.Results))))
	if diff := cmp.Diff(want.Report.Results, results); diff != "" || err != nil {
		t.Errorf("results (-want +got): %v\n%s", err, diff)
	}
	conflict, err := ParseConflict(mustValue(t, string(AppendConflict(nil, want.Report.Results[2].Conflict))))
	if diff := cmp.Diff(want.Report.Results[2].Conflict, conflict); diff != "" || err != nil {
		t.Errorf("conflict (-want +got): %v\n%s", err, diff)
	}
	for _, bad := range []string{`1`, `[{"version":"x"}]`, `[{"path":1}]`, `[{"status":1}]`} {
		_, err1 := ParseOverwrote(mustValue(t, bad))
		_, err2 := ParseResults(mustValue(t, bad))
		if err1 == nil && err2 == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if _, err := ParseConflict(`{"version":-1}`); err == nil {
		t.Error("a conflict of version -1 is taken")
	}
}

func TestE7_BadChangesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, change, path string }{
		{"E7 no object", `[]`, ""},
		{"E7 settings", `{"settings":1}`, "/settings"},
		{"E7 unset that is no list", `{"settings":{"unset":{"a":1}}}`, "/settings/unset"},
		{"E7 a widget that is no object", `{"widgets":{"a/b":{"value":1}}}`, "/widgets/a~1b/value"},
		{"E7 a widget's change that is no object", `{"widgets":{"a":1}}`, "/widgets/a"},
		{"E7 a layout that is no object", `{"layouts":{"main":1}}`, "/layouts/main"},
		{"E7 columns", `{"layouts":{"main":{"columns":1.5}}}`, "/layouts/main/columns"},
		{"E7 a rectangle", `{"layouts":{"main":{"items":{"a":{"x":1}}}}}`, "/layouts/main/items/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseChange(mustValue(t, c.change))
			if err == nil || err.Path != c.path {
				t.Errorf("err = %v, want one at %q", err, c.path)
			}
		})
	}
}

func TestD1_BadDocumentsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, document, path string
		code                 Code
	}{
		{"D1 no object", `[]`, "", CodeInvalidValue},
		{"D1 settings", `{"settings":[]}`, "/settings", CodeInvalidValue},
		{"D1 widgets", `{"widgets":null}`, "/widgets", CodeInvalidValue},
		{"D1 a widget", `{"widgets":{"a":1}}`, "/widgets/a", CodeInvalidValue},
		{"D2 a widget's id", `{"widgets":{"a b":{}}}`, "", CodeInvalidID},
		{"D2 a breakpoint's name", `{"layouts":{"..":{}}}`, "", CodeInvalidID},
		{"D1 a layout", `{"layouts":{"main":1}}`, "/layouts/main", CodeInvalidLayout},
		{"D1 columns", `{"layouts":{"main":{"columns":"12"}}}`, "/layouts/main", CodeInvalidLayout},
		{"D1 compact", `{"layouts":{"main":{"compact":"up"}}}`, "/layouts/main", CodeInvalidLayout},
		{"D1 a rectangle", `{"layouts":{"main":{"items":{"a":{"x":1,"y":0,"w":1,"h":1.5}}}}}`, "/layouts/main/items/a/h", CodeInvalidLayout},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseDocument(mustValue(t, c.document))
			if err == nil || err.Path != c.path || err.Code != c.code {
				t.Errorf("err = %v, want %s at %q", err, c.code, c.path)
			}
		})
	}
}

func TestM12_TheHorizonNeverGoesBack(t *testing.T) {
	s := NewState("ops")
	fold := func(window uint64) {
		t.Helper()
		var err error
		s, err = s.Fold(&Entry{
			Type: TypeSettings, ID: "o" + time.Duration(s.Version()).String(), DashboardID: "ops", Epoch: "e",
			Version: s.Version() + 1, Window: window, Change: &Change{}, Status: StatusApplied,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	fold(1000)
	for s.Version() < 2500 {
		fold(0)
	}
	if s.Horizon() != 1000 {
		t.Fatalf("horizon %d at 2500, want 1000", s.Horizon())
	}
	fold(500)
	if s.Horizon() != 1500 || kept(s) != 1001 {
		t.Errorf("horizon %d with %d op ids after the window shrank, want 1500 and 1001", s.Horizon(), kept(s))
	}
	fold(5000)
	if s.Horizon() != 1500 {
		t.Errorf("horizon %d after the window grew, want 1500 still", s.Horizon())
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add(EncodeRecord(full()).Data)
	f.Add([]byte(`{"format":1,"entry":{}}`))
	f.Add([]byte(`{"entry":{}}`))
	f.Add([]byte(`{"format":1,"entry":{},"via":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		record := Record{Data: data, Envelope: EnvelopeOf(data)}
		if again := RecordOf(record.Head(), record.Envelope); json.Valid(data) && string(again) != string(data) {
			t.Fatalf("head and envelope make %s of %s", again, data)
		}
		e, err := ParseRecord(data)
		if err != nil {
			return
		}
		again, err := ParseRecord(EncodeRecord(e).Data)
		if err != nil {
			t.Fatalf("what was read and written cannot be read: %v", err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatalf("read, written and read again (-first +second):\n%s", diff)
		}
	})
}

func FuzzParseSnapshot(f *testing.F) {
	s := NewState("ops")
	f.Add(s.AppendSnapshot(nil))
	e := full()
	e.Version, *e.Change.Widget("gone") = 1, WidgetChange{ID: "gone", Value: `{}`}
	s, err := s.Fold(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.AppendSnapshot(nil))
	f.Add(listedSnapshot(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSnapshot(data)
		if err != nil {
			return
		}
		data = s.AppendSnapshot(nil)
		again, err := ParseSnapshot(data)
		if err != nil {
			t.Fatalf("what was read and written cannot be read: %v\n%s", err, data)
		}
		if string(again.AppendSnapshot(nil)) != string(data) {
			t.Fatal("written again it differs")
		}
		s.Decide(&Op{Type: TypeDelete, ID: "x", WidgetID: "new"}, Env{NewEpoch: "n"})
	})
}
