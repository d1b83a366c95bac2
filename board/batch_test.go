package board

import (
	"fmt"
	"strings"
	"testing"
)

// batchOf is a batch of parts by bob.
func batchOf(more string, parts ...string) string {
	return fmt.Sprintf(`{"type":"WIDGET_BATCH","by":"bob",%s"operations":[%s]}`, more, strings.Join(parts, ","))
}

func TestM11_Batches(t *testing.T) {
	const (
		makeM    = `{"type":"WIDGET_UPDATE","widgetId":"m","create":true,"set":{"/a":1}}`
		changeM  = `{"type":"WIDGET_UPDATE","widgetId":"m","set":{"/a":2,"/b":{"c":1}}}`
		deeperM  = `{"type":"WIDGET_UPDATE","widgetId":"m","set":{"/b/d":1}}`
		deleteM  = `{"type":"WIDGET_DELETE","widgetId":"m"}`
		updateNo = `{"type":"WIDGET_UPDATE","widgetId":"none","set":{"/a":1}}`
		badPath  = `{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title/x":1}}`
		rename   = `{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title":"b"}}`
	)
	run(t, []script{
		{
			name:  "M11 in order, each on the result of the one before",
			steps: []act{{batchOf("", makeM, changeM, deeperM), "applied 2 results applied,applied,applied"}},
			path:  "/widgets/m", want: `{"a":2,"b":{"c":1,"d":1}}`,
		},
		{
			name: "M11 one entry, so that what it undoes itself never was",
			steps: []act{
				{batchOf("", makeM, deleteM, rename), "applied 2 results applied,applied,applied"},
				{makeM[:len(makeM)-1] + `,"by":"bob"}`, "applied 3"},
			},
		},
		{
			name: "M11 atomic: any refusal refuses all",
			steps: []act{
				{batchOf("", makeM, badPath, rename), "refused BATCH_REFUSED results applied,refused:PATH,applied"},
				{batchOf("", makeM, updateNo), "refused BATCH_REFUSED results applied,conflict:CONFLICT"},
			},
			path: "/widgets/m", want: "",
		},
		{
			name: "M11 not atomic: what passes is committed",
			steps: []act{
				{batchOf(`"atomic":false,`, makeM, badPath, updateNo, rename), "applied 2 results applied,refused:PATH,conflict:CONFLICT,applied"},
			},
			path: title, want: `"b"`,
		},
		{
			name:  "M11 not atomic and nothing passes",
			steps: []act{{batchOf(`"atomic":false,`, badPath, updateNo), "refused BATCH_REFUSED results refused:PATH,conflict:CONFLICT"}},
		},
		{
			name: "M11 an ask refuses an atomic batch, also of own baseVersion",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
				{batchOf(`"policy":"ask","baseVersion":1,`, makeM, rename), "refused BATCH_REFUSED results applied,conflict:CONFLICT"},
				{batchOf(`"policy":"ask","baseVersion":1,`, makeM, strings.Replace(rename, "{", `{"baseVersion":2,`, 1)), "merged 3 results applied,applied"},
			},
		},
		{
			name: "M11 the batch's policy holds for parts without one",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
				{batchOf(`"policy":"skip","baseVersion":1,`, makeM, rename), "merged 3 skipped /1/title results applied,unchanged"},
			},
		},
		{
			name: "M11 what a refused part would have overwritten is not told",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e","/note":1}`), "applied 2"},
				{
					batchOf(`"policy":"overwrite","atomic":false,"baseVersion":1,`, makeM,
						`{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title":"b","/note/x":1}}`),
					"merged 3 results applied,refused:PATH",
				},
			},
		},
		{
			name: "M11 no batch in a batch, nor deleting the dashboard",
			steps: []act{
				{batchOf("", batchOf("", makeM)), "refused BATCH_REFUSED results refused:BAD_MESSAGE"},
				{batchOf("", `{"type":"DASHBOARD_DELETE"}`), "refused BATCH_REFUSED results refused:BAD_MESSAGE"},
				{batchOf(""), "refused BAD_MESSAGE"},
			},
		},
		{
			name: "M11 parts of one client never clash with each other",
			steps: []act{
				{`{"type":"WIDGET_BATCH","baseVersion":1,"policy":"reject","operations":[` + makeM + `,` + changeM + `,` + deleteM + `]}`, "unchanged 1 results unchanged,unchanged,unchanged"},
				{`{"type":"WIDGET_BATCH","by":"bob","baseVersion":0,"epoch":"old","policy":"reject","operations":[` + makeM + `,` + changeM + `]}`, "merged 2 results applied,applied"},
			},
		},
		{
			name: "M11 a widget deleted by the batch cannot be restored by it",
			steps: []act{{
				batchOf("", `{"type":"WIDGET_DELETE","widgetId":"cpu"}`, `{"type":"WIDGET_UPDATE","widgetId":"cpu","restore":true}`),
				"refused BATCH_REFUSED results applied,refused:GONE",
			}},
		},
		{
			name: "M11 settings and layouts belong in a batch",
			steps: []act{{
				batchOf("", `{"type":"DASHBOARD_UPDATE","set":{"/title":"t"}}`, `{"type":"LAYOUT_UPDATE","columns":12}`),
				"applied 2 results applied,applied",
			}},
			path: "/layouts/main/columns", want: `12`,
		},
		{
			name:  "D5 too many operations",
			steps: []act{{batchOf("", strings.Split(strings.Repeat(makeM+"\n", 501), "\n")[:501]...), "refused LIMIT_EXCEEDED"}},
		},
	})
}

func TestL2_ABatchIsNormalisedOnceAtItsEnd(t *testing.T) {
	w := grid12(t, `{"a":{"x":0,"y":0,"w":6,"h":4},"b":{"x":0,"y":4,"w":6,"h":4}}`)
	w.want("applied 2 results applied,applied,applied", batchOf("",
		`{"type":"LAYOUT_UPDATE","moved":{"a":{"y":50}}}`,
		`{"type":"LAYOUT_UPDATE","moved":{"a":{"x":6}}}`,
		`{"type":"LAYOUT_UPDATE","moved":{"a":{"y":0},"b":{"x":0}}}`))
	w.wantItem("a", rect(6, 0, 6, 4))
	w.wantItem("b", rect(0, 0, 6, 4))
	w.want("unchanged 2 results unchanged,unchanged", batchOf("",
		`{"type":"LAYOUT_UPDATE","moved":{"a":{"y":9}}}`, `{"type":"LAYOUT_UPDATE","moved":{"b":{"y":9}}}`))
}

func TestM11_NeedsOfAllParts(t *testing.T) {
	w := newWorld(t)
	w.widget("a", `{}`)
	w.widget("b", `{}`)
	w.do(`{"type":"WIDGET_DELETE","by":"bob","widgetId":"a"}`)
	w.do(`{"type":"WIDGET_DELETE","by":"bob","widgetId":"b"}`)
	parts := []string{
		`{"type":"WIDGET_UPDATE","widgetId":"a","restore":true,"set":{"/x":1}}`,
		`{"type":"WIDGET_UPDATE","widgetId":"b","restore":true}`,
		`{"type":"LAYOUT_RESTORE","toVersion":2}`,
	}
	op, _ := parseOp(t, batchOf("", parts...))
	d := w.state.Decide(op, Env{Now: w.now})
	if d.Need == nil || d.Need.Deleted["a"] != 3 || d.Need.Deleted["b"] != 4 || d.Need.Layouts != 2 {
		t.Fatalf("need = %+v, want a of 3, b of 4 and the layouts of 2", d.Need)
	}
	w.want("applied 5 results applied,applied,applied", batchOf("", parts...))
	w.wantDoc("/widgets", `{"a":{"x":1},"b":{}}`)
	w.want("refused BATCH_REFUSED results unchanged,refused:BAD_MESSAGE", batchOf("",
		`{"type":"LAYOUT_RESTORE","toVersion":1}`, `{"type":"LAYOUT_RESTORE","toVersion":2}`))
}
