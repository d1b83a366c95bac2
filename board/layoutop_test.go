package board

import (
	"fmt"
	"testing"
)

// grid makes a dashboard of 12 columns with widgets at the given places, as the
// versions 1 and 2.
func grid12(t *testing.T, places string) *world {
	t.Helper()
	w := newWorld(t)
	widgets := ""
	for id := range mustValue(t, places).Members() {
		if widgets != "" {
			widgets += ","
		}
		widgets += fmt.Sprintf("%q:{}", id)
	}
	w.want("applied 1", fmt.Sprintf(`{"type":"REPLACE","by":"ana","document":{"widgets":{%s},
		"layouts":{"main":{"columns":12,"compact":"vertical","items":%s}}}}`, widgets, places))
	return w
}

const items = "/layouts/main/items"

func (w *world) wantItem(id, want string) {
	w.t.Helper()
	w.wantDoc(items+"/"+id, want)
}

func rect(x, y, w, h int) string {
	return fmt.Sprintf(`{"x":%d,"y":%d,"w":%d,"h":%d,"static":false}`, x, y, w, h)
}

// toldItems gives the items of main that an answer tells.
func toldItems(t *testing.T, d Decision) map[string]string {
	t.Helper()
	if d.Ack == nil || d.Ack.Change == nil {
		return nil
	}
	out := make(map[string]string)
	for id, r := range d.Ack.Change.Layouts[MainBreakpoint].Items {
		out[id] = string(AppendRect(nil, *r))
	}
	return out
}

func TestL1_MovesChangeOnlyWhatTheGestureDid(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":4,"h":4}}`)
	w.want("applied 2 ignored none", `{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":1,"moved":{"a":{"x":3},"none":{"x":1}}}`)
	w.wantItem("a", rect(3, 0, 4, 4))
	w.want("applied 3", `{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":2,"moved":{"a":{"h":2}}}`)
	w.wantItem("a", rect(3, 0, 4, 2))
	w.want("applied 4", `{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":3,"moved":{"a":{"static":true}}}`)
	w.wantItem("a", `{"x":3,"y":0,"w":4,"h":2,"static":true}`)
	w.want("unchanged 4 ignored none", `{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":3,"moved":{"none":{"x":1}}}`)
}

func TestL2_ImpossiblePlaces(t *testing.T) {
	n := func(v int) *int { return &v }
	w := grid12(t, `{"a":{"x":0,"y":0,"w":4,"h":4}}`)
	for _, c := range []struct {
		name string
		op   Op
	}{
		{"L2 y over 100,000", Op{Moved: map[string]RectPatch{"a": {Y: n(100_001)}}}},
		{"L2 h over 1,000", Op{Moved: map[string]RectPatch{"a": {H: n(1_001)}}}},
		{"L2 h over 1,000 of an id that is not there", Op{Moved: map[string]RectPatch{"b": {H: n(1_001)}}}},
		{"L7 no columns", Op{Columns: n(0)}},
		{"L7 too many columns", Op{Columns: n(MaxColumns + 1)}},
		{"L7 another compaction", Op{Compact: "horizontal"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.op.Type, c.op.ID = TypeLayout, c.name
			if d := w.state.Decide(&c.op, Env{Now: w.now}); d.Refusal == nil || d.Refusal.Code != CodeInvalidLayout {
				t.Errorf("got %s, want INVALID_LAYOUT", w.answer(d))
			}
		})
	}
}

func TestL3_MovesNeverAsk(t *testing.T) {
	w := grid12(t, `{"a":{"x":4,"y":0,"w":4,"h":4}}`)
	d := w.decide(w.parse(`{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":1,"policy":"ask","moved":{"a":{"x":8}}}`))
	if d.Ack.Change != nil {
		t.Errorf("E7: the effect is what was asked, the ACK tells %s", AppendChange(nil, d.Ack.Change))
	}
	d = w.decide(w.parse(`{"type":"LAYOUT_UPDATE","by":"eve","baseVersion":1,"policy":"reject","moved":{"a":{"w":8}}}`))
	if got := w.answer(d); got != "merged 3" {
		t.Errorf("the later move: %s", got)
	}
	w.wantItem("a", rect(4, 0, 8, 4))
	if got := toldItems(t, d)["a"]; got != `{"h":4,"static":false,"w":8,"x":4,"y":0}` {
		t.Errorf("L-W3: the mover is told %s", got)
	}
	// displaced widgets carry no author: editing or deleting them never clashes
	w = grid12(t, `{"a":{"x":0,"y":0,"w":6,"h":4},"b":{"x":0,"y":4,"w":6,"h":4}}`)
	w.want("applied 2", `{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":1,"moved":{"a":{"y":4}}}`)
	w.wantItem("b", rect(0, 0, 6, 4))
	w.want("merged 3", `{"type":"WIDGET_DELETE","by":"eve","widgetId":"b","baseVersion":1,"policy":"ask"}`)
}

func TestL3_TheUnchangedMoverIsTold(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":6,"h":4}}`)
	d := w.decide(w.parse(`{"type":"LAYOUT_UPDATE","by":"bob","moved":{"a":{"y":7}}}`))
	if got := w.answer(d); got != "unchanged 1" {
		t.Fatalf("a move that compaction takes back: %s", got)
	}
	if got := toldItems(t, d)["a"]; got != `{"h":4,"static":false,"w":6,"x":0,"y":0}` {
		t.Errorf("E7: the mover is told %q", got)
	}
}

func TestL5_NewAndDeletedWidgets(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":12,"h":4}}`)
	w.want("applied 2", `{"type":"LAYOUT_UPDATE","by":"ana","breakpoint":"phone","columns":4,"compact":"none","create":true}`)
	w.want("applied 3", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"n","create":true}`)
	w.wantItem("n", rect(0, 4, 6, 4))
	w.wantDoc("/layouts/phone/items/n", rect(0, 4, 4, 4))
	d := w.decide(w.parse(`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","create":true,"layout":{"x":0,"y":0,"w":3,"h":2}}`))
	w.wantItem("m", rect(0, 0, 3, 2))
	w.wantItem("a", rect(0, 2, 12, 4))
	w.wantDoc("/layouts/phone/items/m", rect(0, 8, 4, 4))
	if len(toldItems(t, d)) != 3 {
		t.Errorf("E7: the maker is told of %v, want m, a and n", toldItems(t, d))
	}
	w.want("applied 5", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"m"}`)
	w.wantItem("a", rect(0, 0, 12, 4))
	w.wantDoc("/layouts/phone/items", `{"a":`+rect(0, 0, 4, 4)+`,"n":`+rect(0, 4, 4, 4)+`}`)
}

func TestM9_ARestoredWidgetStandsWhereItStood(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":6,"h":4},"b":{"x":0,"y":4,"w":6,"h":4}}`)
	w.want("applied 2", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"a"}`)
	w.wantItem("b", rect(0, 0, 6, 4))
	w.want("applied 3", `{"type":"LAYOUT_UPDATE","by":"ana","breakpoint":"phone","create":true}`)
	w.want("applied 4", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"a","restore":true}`)
	w.wantItem("a", rect(0, 0, 6, 4))
	w.wantItem("b", rect(0, 4, 6, 4))
	w.wantDoc("/layouts/phone/items/a", rect(0, 4, 6, 4))
}

func TestL6_RestoringALayout(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":6,"h":4},"b":{"x":6,"y":0,"w":6,"h":4},"c":{"x":0,"y":4,"w":6,"h":4}}`)
	w.want("applied 2", `{"type":"LAYOUT_UPDATE","by":"bob","columns":24,"moved":{"a":{"x":12}}}`)
	w.want("applied 3", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"a"}`)
	w.want("applied 4", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"n","create":true,"layout":{"x":0,"y":0}}`)
	w.want("refused BAD_VERSION toVersion", `{"type":"LAYOUT_RESTORE","by":"bob","toVersion":5}`)
	w.want("refused BAD_VERSION toVersion", `{"type":"LAYOUT_RESTORE","by":"bob"}`)
	w.want("refused NOT_FOUND breakpoint", `{"type":"LAYOUT_RESTORE","by":"bob","breakpoint":"phone","toVersion":1}`)
	w.want("applied 5", `{"type":"LAYOUT_RESTORE","by":"bob","toVersion":1}`)
	w.wantDoc("/layouts/main", `{"columns":12,"compact":"vertical","items":{"b":`+rect(6, 0, 6, 4)+`,"c":`+rect(0, 0, 6, 4)+`,"n":`+rect(0, 4, 6, 4)+`}}`)
	w.want("unchanged 5", `{"type":"LAYOUT_RESTORE","by":"bob","breakpoint":"main","toVersion":5}`)

	op, _ := parseOp(t, `{"type":"LAYOUT_RESTORE","by":"bob","id":"r","toVersion":2}`)
	if d := w.state.Decide(op, Env{}); d.Need == nil || d.Need.Layouts != 2 {
		t.Fatalf("need = %+v, want the layouts of version 2", d.Need)
	}
	op.History = &History{Epoch: w.state.Epoch(), Version: 2}
	if got := w.answer(w.state.Decide(op, Env{})); got != "refused GONE toVersion" {
		t.Errorf("a version that the log has no more: %s", got)
	}
}

func TestL7_Breakpoints(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":6,"h":4},"b":{"x":6,"y":0,"w":6,"h":4}}`)
	w.want("refused NOT_FOUND breakpoint", `{"type":"LAYOUT_UPDATE","by":"bob","breakpoint":"phone","moved":{"a":{"x":1}}}`)
	w.want("applied 2", `{"type":"LAYOUT_UPDATE","by":"bob","breakpoint":"phone","create":true,"columns":6,"moved":{"b":{"x":0,"y":0}}}`)
	w.wantDoc("/layouts/phone", `{"columns":6,"compact":"vertical","items":{"a":`+rect(0, 4, 6, 4)+`,"b":`+rect(0, 0, 6, 4)+`}}`)
	w.want("applied 3", `{"type":"LAYOUT_UPDATE","by":"bob","columns":4}`)
	w.wantDoc("/layouts/main", `{"columns":4,"compact":"vertical","items":{"a":`+rect(0, 0, 4, 4)+`,"b":`+rect(0, 4, 4, 4)+`}}`)
	w.want("applied 4", `{"type":"LAYOUT_UPDATE","by":"bob","compact":"none","moved":{"b":{"y":20}}}`)
	w.wantItem("b", rect(0, 20, 4, 4))
	w.want("applied 5", `{"type":"LAYOUT_UPDATE","by":"bob","compact":"vertical"}`)
	w.wantItem("b", rect(0, 4, 4, 4))
	w.want("unchanged 5", `{"type":"LAYOUT_UPDATE","by":"bob","compact":"vertical","columns":4,"create":true}`)
}
