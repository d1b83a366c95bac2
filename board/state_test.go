package board

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestD1_ADashboardIsAnObject(t *testing.T) {
	w := newWorld(t)
	w.wantDoc("", `{"settings":{},"widgets":{},"layouts":{"main":{"columns":24,"compact":"vertical","items":{}}}}`)
	if epoch, version := w.state.Head(); epoch != "" || version != 0 {
		t.Errorf("R6: a new dashboard is at %q %d", epoch, version)
	}
	w.want("applied 1", `{"type":"REPLACE","by":"ana","document":{}}`)
}

func TestD1_TheFirstEntryBringsTheEpoch(t *testing.T) {
	w := newWorld(t)
	w.env.Window = 5000
	w.widget("a", `{}`)
	e := w.log[0]
	if e.Version != 1 || e.Epoch != "epoch0" || e.Window != 5000 || w.state.Window() != 5000 || w.state.Position() != 1 {
		t.Errorf("the first entry is %+v", e)
	}
	w.widget("b", `{}`)
	if w.log[1].Window != 0 || w.state.Epoch() != "epoch0" {
		t.Errorf("the second entry is %+v", w.log[1])
	}
}

func TestD5_Limits(t *testing.T) {
	w := newWorld(t)
	w.env.Limits = Limits{Widgets: 2, DocumentBytes: 400, Operations: 2}
	w.widget("a", `{}`)
	w.widget("b", `{"title":"b"}`)
	big := fmt.Sprintf(`"set":{"/x":%q}`, strings.Repeat("x", 400))
	for _, s := range []act{
		{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"c","create":true}`, "refused LIMIT_EXCEEDED"},
		{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"a",` + big + `}`, "refused TOO_LARGE"},
		{`{"type":"DASHBOARD_UPDATE","by":"bob",` + big + `}`, "refused TOO_LARGE"},
		{
			batchOf("", `{"type":"WIDGET_UPDATE","widgetId":"c","create":true}`, `{"type":"DASHBOARD_UPDATE","set":{"/a":1}}`),
			"refused BATCH_REFUSED results refused:LIMIT_EXCEEDED,applied",
		},
		{
			batchOf(`"atomic":false,`, `{"type":"DASHBOARD_UPDATE",`+big+`}`, `{"type":"DASHBOARD_UPDATE","set":{"/a":1}}`),
			"applied 3 results refused:TOO_LARGE,applied",
		},
		{`{"type":"WIDGET_DELETE","by":"bob","widgetId":"a"}`, "applied 4"},
		{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"c","create":true}`, "applied 5"},
	} {
		w.want(s.answer, s.op)
	}
	w.env.Limits = Limits{Widgets: 1, DocumentBytes: 100}
	w.want("refused TOO_LARGE", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"b","set":{"/y":1}}`)
	w.want("applied 6", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"b","unset":["/title"]}`)
}

// TestD5_Breakpoints: whatever makes them, there is an end to how many there are.
func TestD5_Breakpoints(t *testing.T) {
	w := newWorld(t)
	w.widget("a", `{}`)
	grid := func(name string) string {
		return fmt.Sprintf(`{"type":"LAYOUT_UPDATE","by":"bob","breakpoint":%q,"create":true}`, name)
	}
	for i := 1; i < MaxBreakpoints; i++ {
		w.want(fmt.Sprintf("applied %d", i+1), grid(fmt.Sprintf("b%d", i)))
	}
	w.want("refused LIMIT_EXCEEDED breakpoint", grid("more"))
	w.want("unchanged 32", grid("b1"))
	w.want("refused BATCH_REFUSED results applied,refused:LIMIT_EXCEEDED", batchOf("", `{"type":"DASHBOARD_UPDATE","set":{"/a":1}}`, grid("more")))
	w.want("applied 33", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"b","create":true}`)

	layouts := map[string]*Layout{}
	for i := range MaxBreakpoints {
		layouts[fmt.Sprintf("c%d", i)] = &Layout{Columns: 12, Compact: CompactVertical}
	}
	layouts[MainBreakpoint] = &Layout{Columns: 12, Compact: CompactVertical}
	op := &Op{ID: "import", Type: TypeReplace, DashboardID: "ops", Document: &Document{Settings: `{}`, Layouts: layouts}}
	if d := w.state.Decide(op, w.env); d.Refusal == nil || d.Refusal.Limit != LimitBreakpoints {
		t.Errorf("a document with %d breakpoints: %+v", len(layouts), d.Refusal)
	}
	delete(layouts, "c0")
	if d := w.state.Decide(op, w.env); d.Refusal != nil {
		t.Errorf("a document with %d breakpoints: %v", len(layouts), d.Refusal)
	}
}

func TestD6_FoldRefusesWhatDoesNotFollow(t *testing.T) {
	w := newWorld(t)
	w.widget("a", `{}`)
	w.widget("b", `{}`)
	for _, c := range []struct {
		name  string
		state *State
		entry Entry
	}{
		{"D6 a gap", w.states[0], *w.log[1]},
		{"D6 the same entry again", w.state, *w.log[1]},
		{"D6 another dashboard", NewState("other"), *w.log[0]},
		{"D6 no epoch", NewState("ops"), Entry{DashboardID: "ops", Version: 1}},
		{"D6 a later version of another epoch", w.state, Entry{DashboardID: "ops", Epoch: "x", Version: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s, err := c.state.Fold(&c.entry); err == nil {
				t.Errorf("folded to version %d", s.Version())
			}
		})
	}
	if s, err := w.state.Fold(&Entry{DashboardID: "ops", Epoch: "x", Version: 1, Change: &Change{}}); err != nil || s.Position() != 3 || s.WidgetCount() != 0 {
		t.Errorf("a new epoch: %v", err)
	}
}

func TestR7_DamagedAndNewerRecords(t *testing.T) {
	w := newWorld(t)
	w.widget("a", `{}`)
	record := string(EncodeRecord(w.log[0]).Data)
	snapshot, listed := string(w.state.AppendSnapshot(nil)), string(listedSnapshot(t))
	mark := w.state.committed.marks.text
	for _, c := range []struct {
		name, record string
		format       bool
	}{
		{"R7 empty", "", false},
		{"R7 cut", record[:len(record)/2], false},
		{"R7 another object", `{"a":1}`, false},
		{"R7 no entry", `{"format":1,"hash":"00000000000000000000000000000000","status":"applied"}`, false},
		{"R7 a bad hash", strings.Replace(record, `"hash":"00`, `"hash":"zz`, 1), false},
		{"R7 a version that is no number", strings.Replace(record, `"version":1`, `"version":"1"`, 1), false},
		{"R7 a member that is not known", strings.Replace(record, `"format":1`, `"format":1,"more":1`, 1), false},
		{"R7 a newer format", strings.Replace(record, `"format":1`, `"format":3`, 1), true},
		{"R7 a kind that is not known", strings.Replace(record, `WIDGET_UPDATE`, `WIDGET_DREAM`, 1), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRecord([]byte(c.record))
			if err == nil || errors.Is(err, ErrFormat) != c.format {
				t.Errorf("err = %v, want ErrFormat: %v", err, c.format)
			}
		})
	}
	for _, c := range []struct {
		name, snapshot string
		format         bool
	}{
		{"R7 snapshot empty", "", false},
		{"R7 snapshot cut", snapshot[:len(snapshot)/2], false},
		{"R7 snapshot of nothing", `{"format":1}`, false},
		{"R7 snapshot without main", strings.Replace(snapshot, `"main"`, `"other"`, 1), false},
		{"R7 snapshot naming no author", strings.Replace(snapshot, `"authors":[["ana","ana-tab"]]`, `"authors":[]`, 1), false},
		{"R7 snapshot of a newer format", strings.Replace(snapshot, `"format":2`, `"format":3`, 1), true},
		{"R7 snapshot without op ids", strings.Replace(snapshot, mark, "", 1), false},
		{"R7 snapshot that lacks them", strings.Replace(snapshot, `"committed":"`+mark+`",`, "", 1), false},
		{"R7 snapshot with more op ids than versions", strings.Replace(snapshot, mark, mark+mark, 1), false},
		{"R7 snapshot with a cut op id", strings.Replace(snapshot, mark, mark[1:], 1), false},
		{"R7 snapshot with an op id that is none", strings.Replace(snapshot, mark, "*"+mark[1:], 1), false},
		{"R7 snapshot with op ids and the format of others", strings.Replace(snapshot, `"format":2`, `"format":1`, 1), false},
		{"R7 snapshot whose horizon is its version", strings.Replace(snapshot, `"horizon":0`, `"horizon":1`, 1), false},
		{"R7 snapshot whose horizon is behind its version", strings.Replace(snapshot, `"horizon":0`, `"horizon":2`, 1), false},
		{"R7 listed op ids in the newest format", strings.Replace(listed, `"format":1`, `"format":2`, 1), false},
		{"R7 listed op ids, cut", listed[:strings.Index(listed, "quote")], false},
		{"R7 listed op ids that lack one", strings.Replace(listed, `["ana","last",9,"09ab0000000000000000000000000000"],`, "", 1), false},
		{"R7 listed op ids of a later version", strings.Replace(listed, `"last",9`, `"last",10`, 1), false},
		{"R7 listed op ids of an earlier version", strings.Replace(listed, `"last",9`, `"last",0`, 1), false},
		{"R7 listed op ids out of order", strings.Replace(listed, `"last"`, `"tast"`, 1), false},
		{"R7 listed op ids with a hash that is none", strings.Replace(listed, `"09ab`, `"zzab`, 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseSnapshot([]byte(c.snapshot))
			if err == nil || errors.Is(err, ErrFormat) != c.format {
				t.Errorf("err = %v, want ErrFormat: %v", err, c.format)
			}
		})
	}
}

func TestR9_DeletingADashboard(t *testing.T) {
	del := `{"type":"DASHBOARD_DELETE","by":"ana","id":"del"}`
	start := func(t *testing.T) *world {
		w := newWorld(t)
		w.want("refused NOT_FOUND dashboardId", `{"type":"DASHBOARD_DELETE","by":"ana"}`)
		w.widget("cpu", `{"title":"CPU"}`)
		w.want("applied 2", del)
		if !w.state.Deleted() || !w.state.DeletedAt().Equal(w.now) || w.state.WidgetCount() != 0 {
			t.Fatalf("deleted = %v since %v", w.state.Deleted(), w.state.DeletedAt())
		}
		if epoch, version := w.state.Head(); epoch != "" || version != 0 || w.state.Version() != 2 {
			t.Fatalf("a deleted dashboard is at %q %d", epoch, version)
		}
		return w
	}
	t.Run("R9 its op is remembered", func(t *testing.T) {
		w := start(t)
		w.want("replay 2", del)
		w.want("refused NOT_FOUND dashboardId", `{"type":"DASHBOARD_DELETE","by":"ana"}`)
	})
	t.Run("R9 making it anew starts an epoch in the same log", func(t *testing.T) {
		w := start(t)
		w.want("conflict deleted cpu@0 [/a mine=1 theirs=( 0)]", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"cpu","set":{"/a":1}}`)
		w.want("applied 1", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"cpu","create":true}`)
		if w.state.Epoch() != "epoch2" || w.state.Position() != 3 || w.state.Deleted() {
			t.Errorf("the state is %q at position %d", w.state.Epoch(), w.state.Position())
		}
		w.wantDoc("/widgets", `{"cpu":{}}`)
	})
	t.Run("R9 what was made on it does not make half of it anew", func(t *testing.T) {
		w := start(t)
		for _, op := range []string{
			`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"new","create":true,"epoch":"epoch0","baseVersion":1}`,
			`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"new","create":true,"epoch":"before that","baseVersion":7}`,
			`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"cpu","epoch":"epoch0","baseVersion":1,"set":{"/a":1}}`,
			`{"type":"DASHBOARD_UPDATE","by":"bob","epoch":"epoch0","baseVersion":1,"policy":"overwrite","set":{"/title":"b"}}`,
			`{"type":"LAYOUT_UPDATE","by":"bob","epoch":"epoch0","baseVersion":1,"columns":12}`,
			`{"type":"WIDGET_BATCH","by":"bob","epoch":"epoch0","baseVersion":1,"operations":[{"type":"WIDGET_UPDATE","widgetId":"new","create":true}]}`,
			`{"type":"WIDGET_BATCH","by":"bob","operations":[{"type":"WIDGET_UPDATE","widgetId":"new","create":true,"epoch":"epoch0","baseVersion":1}]}`,
			`{"type":"REPLACE","by":"bob","epoch":"epoch0","baseVersion":1,"document":{"settings":{"title":"b"}}}`,
		} {
			w.want("refused GONE epoch", op)
		}
		newWorld(t).want("refused GONE epoch", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"new","create":true,"epoch":"lost","baseVersion":7}`)
		w.want("applied 1", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"new","create":true,"epoch":"","baseVersion":0}`)
	})
	t.Run("M8 what was committed before is not done again while it is deleted, and by value after", func(t *testing.T) {
		w := newWorld(t)
		first := `{"type":"WIDGET_UPDATE","by":"bob","id":"first","widgetId":"cpu","create":true}`
		second := `{"type":"WIDGET_UPDATE","by":"bob","id":"second","widgetId":"cpu","epoch":"epoch0","baseVersion":1,"set":{"/a":1}}`
		w.want("applied 1", first)
		w.want("applied 2", second)
		w.want("applied 3", del)
		w.want("replay 1", first)
		w.want("replay 2", second)
		w.want("applied 1", `{"type":"WIDGET_UPDATE","by":"ana","widgetId":"cpu","create":true,"set":{"/a":2}}`)
		w.want(`refused EXISTS widgetId current {"a":2}`, first)
		w.want("conflict field cpu@1 [/a mine=1 theirs=2(ana 1)]", second)
	})
	t.Run("R9 bringing it back goes on in its epoch", func(t *testing.T) {
		w := start(t)
		before := w.states[1].Document()
		op := &Op{Type: TypeReplace, ID: "back", DashboardID: "ops", Author: Author{"ana", "ana-tab"}, Document: before, Undelete: true}
		if got := w.answer(w.decide(op)); got != "applied 3" {
			t.Fatal(got)
		}
		if w.state.Epoch() != "epoch0" || w.state.Deleted() || w.log[2].Type != TypeBatch {
			t.Errorf("the state is %q, the entry is a %s", w.state.Epoch(), w.log[2].Type)
		}
		w.wantDoc("", string(AppendDocument(nil, before)))
		w.want(`conflict field cpu@3 [/title mine="b" theirs="CPU"(ana 3)]`, `{"type":"WIDGET_UPDATE","by":"bob","policy":"ask","widgetId":"cpu","baseVersion":1,"set":{"/title":"b"}}`)
		w.want("refused EXISTS dashboardId", `{"type":"REPLACE","by":"ana","undelete":true,"document":{}}`)
	})
	t.Run("R9 what never was cannot come back", func(t *testing.T) {
		newWorld(t).want("refused NOT_FOUND dashboardId", `{"type":"REPLACE","by":"ana","undelete":true,"document":{}}`)
	})
}

func TestE7_ReplaceBecomesTheDifference(t *testing.T) {
	w := newWorld(t)
	w.want("applied 1", `{"type":"REPLACE","by":"ana","document":{"settings":{"title":"a","n":1},"widgets":{"x":{"t":1,"c":{"a":1}},"y":{}},
		"layouts":{"main":{"columns":12,"items":{"x":{"x":0,"y":5,"w":99,"h":2},"ghost":{"x":0,"y":0,"w":1,"h":1}}},"phone":{"columns":4}}}}`)
	w.wantDoc("/layouts/main/items", `{"x":`+rect(0, 0, 12, 2)+`,"y":`+rect(0, 2, 6, 4)+`}`)
	w.want("refused EXISTS dashboardId", `{"type":"REPLACE","by":"ana","create":true,"document":{}}`)
	w.want("applied 2", `{"type":"REPLACE","by":"bob","document":{"settings":{"title":"b","n":1},"widgets":{"x":{"t":1,"c":{"b":1}},"z":{}}}}`)
	got := string(AppendChange(nil, &Change{Settings: w.log[1].Change.Settings, Widgets: w.log[1].Change.Widgets}))
	want := `{"settings":{"set":{"/title":"b"}},"widgets":{"x":{"set":{"/c/b":1},"unset":["/c/a"]},"y":null,"z":{"value":{}}}}`
	if got != want || w.log[1].Type != TypeBatch {
		t.Errorf("the change is\n%s, want\n%s", got, want)
	}
	w.wantDoc("/layouts/phone", "")
	if v, ok := w.state.Tombstone("y"); v != 2 || !ok {
		t.Error("the widget that was taken out has no tombstone")
	}
	w.want("unchanged 2", `{"type":"REPLACE","by":"bob","document":`+string(w.state.AppendDocument(nil))+`}`)
	op := &Op{Type: TypeReplace, ID: "x", Document: &Document{Settings: "{}", Widgets: map[string]Value{"a/b": "{}"}}}
	if d := w.state.Decide(op, Env{}); d.Refusal == nil || d.Refusal.Code != CodeInvalidID {
		t.Errorf("a widget id with a slash: %s", w.answer(d))
	}
}

func TestE7_WhatTheAckTells(t *testing.T) {
	for _, c := range []struct {
		name, op string
		told     bool
	}{
		{"E7 fields as asked", set("bob", 1, `"set":{"/title":"b","/config/unit":"%"}`), false},
		{"E7 compiled changes", set("bob", 1, `"changes":{"title":"b"}`), true},
		{"E7 a whole widget", set("bob", 1, `"value":{"title":"b"}`), true},
		{"E7 a new widget", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","create":true}`, true},
		{"E7 a deleted widget that nothing rises for", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"cpu"}`, false},
		{"E7 a move as asked", `{"type":"LAYOUT_UPDATE","by":"bob","moved":{"cpu":{"x":3}}}`, false},
		{"E7 a move that was clamped", `{"type":"LAYOUT_UPDATE","by":"bob","moved":{"cpu":{"x":99}}}`, true},
		{"E7 a batch with a refused part", batchOf(`"atomic":false,`, `{"type":"DASHBOARD_UPDATE","set":{"/a":1}}`, `{"type":"WIDGET_UPDATE","widgetId":"none"}`), true},
		{"E7 an ignored id", `{"type":"LAYOUT_UPDATE","by":"bob","moved":{"cpu":{"x":3},"none":{"x":1}}}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.widget("cpu", `{"title":"CPU","config":{"unit":"%"}}`)
			d := w.decide(w.parse(c.op))
			if d.Entry == nil {
				t.Fatal(w.answer(d))
			}
			if told := d.Ack.Change != nil; told != c.told {
				t.Errorf("the ACK carries a change: %v, want %v", told, c.told)
			}
			if d.Ack.Change != nil && string(AppendChange(nil, d.Ack.Change)) != string(AppendChange(nil, d.Entry.Change)) {
				t.Error("the ACK carries another change than the entry")
			}
		})
	}
}

func TestE7_TheEnvelopeOfAnEntry(t *testing.T) {
	w := newWorld(t)
	w.now = time.UnixMilli(1_795_370_400_000)
	w.want("applied 1", `{"type":"DASHBOARD_UPDATE","by":"ana/tab","id":"o","baseVersion":0,"hash":255,"set":{"/a":{"b":[1.50,null]}},"unset":["/c"]}`)
	want := `{"type":"DASHBOARD_UPDATE","id":"o","timestamp":"2026-11-22T18:00:00.000Z","userId":"ana","payload":{"dashboardId":"ops","epoch":"epoch0","version":1,` +
		`"author":{"userId":"ana","clientId":"tab"},"change":{"settings":{"set":{"/a":{"b":[1.50,null]}}}}}}`
	record := EncodeRecord(w.log[0])
	if string(record.Envelope) != want {
		t.Errorf("envelope\n%s, want\n%s", record.Envelope, want)
	}
	full := `{"format":1,"hash":"ff000000000000000000000000000000","status":"applied","window":10000,"entry":` + want + `}`
	if string(record.Data) != full {
		t.Errorf("record\n%s, want\n%s", record.Data, full)
	}
	e, err := ParseEnvelope(mustValue(t, want))
	if err != nil || e.Version != 1 || e.Author != (Author{"ana", "tab"}) {
		t.Errorf("ParseEnvelope = %+v, %v", e, err)
	}
}

func TestM13_UndoOfEachKind(t *testing.T) {
	for _, c := range []struct{ name, op string }{
		{"M13 fields", set("bob", 1, `"set":{"/title":"b","/new/x":1},"unset":["/config/unit"]`)},
		{"M13 a new widget", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","create":true,"layout":{"x":0,"y":0}}`},
		{"M13 a deleted widget", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"cpu"}`},
		{"M13 settings", `{"type":"DASHBOARD_UPDATE","by":"bob","set":{"/a":1}}`},
		{"M13 a move that displaces", `{"type":"LAYOUT_UPDATE","by":"bob","moved":{"mem":{"y":0}}}`},
		{"M13 columns", `{"type":"LAYOUT_UPDATE","by":"bob","columns":4,"compact":"none"}`},
		{"M13 a batch", batchOf("", `{"type":"WIDGET_DELETE","widgetId":"cpu"}`, `{"type":"WIDGET_UPDATE","widgetId":"mem","set":{"/t":1}}`, `{"type":"LAYOUT_UPDATE","moved":{"mem":{"x":9}}}`)},
		{"M13 a whole document", `{"type":"REPLACE","by":"bob","document":{"settings":{"b":2},"widgets":{"mem":{"t":2},"new":{}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.widget("cpu", `{"title":"CPU","new":{},"config":{"unit":"%"}}`)
			w.widget("mem", `{"t":0}`)
			before := w.state
			want := string(before.AppendDocument(nil))
			w.do(strings.Replace(c.op, `"baseVersion":1`, `"baseVersion":2`, 1))
			if len(w.log) != 3 {
				t.Fatal("the op is no entry")
			}
			op, ok := before.Undo(w.log[2])
			if !ok {
				t.Fatal("it cannot be undone")
			}
			op.ID, op.Author = "undo", w.log[2].Author
			d := w.decide(op)
			if d.Entry == nil {
				t.Fatalf("undo: %s", w.answer(d))
			}
			if got := string(w.state.AppendDocument(nil)); got != want {
				t.Errorf("undone it is\n%s, want\n%s", got, want)
			}
			// and redone by the undo of the undo
			op, ok = w.states[3].Undo(w.log[3])
			if !ok {
				t.Fatal("the undo cannot be undone")
			}
			op.ID, op.Author = "redo", w.log[2].Author
			if d := w.decide(op); d.Entry == nil {
				t.Fatalf("redo: %s", w.answer(d))
			}
			if got, want := string(w.state.AppendDocument(nil)), string(w.states[3].AppendDocument(nil)); got != want {
				t.Errorf("redone it is\n%s, want\n%s", got, want)
			}
		})
	}
	w := newWorld(t)
	w.widget("cpu", `{}`)
	w.do(`{"type":"DASHBOARD_DELETE","by":"ana"}`)
	if _, ok := w.states[1].Undo(w.log[1]); ok {
		t.Error("deleting the dashboard is undone by an op")
	}
}
