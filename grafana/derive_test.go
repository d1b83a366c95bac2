package grafana

import (
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestDerive(t *testing.T) {
	for _, c := range []struct{ name, panel, want string }{
		{
			"gauge",
			`{"type":"gauge","title":"RAM","description":"of all","fieldConfig":{"defaults":{"unit":"percent","min":0,"max":1e2,"decimals":1,"thresholds":{"mode":"absolute","steps":[{"color":"rgba(50, 172, 45, 0.97)"},{"color":"#EAB839","value":80},{"color":"dark-red","value":9.50e1}]}}}}`,
			`{"type":"gauge","title":"RAM","config":{"unit":"percent","min":0,"max":100,"decimals":1,"description":"of all","thresholds":[{"status":"attention","value":80},{"status":"danger","value":95}]}}`,
		},
		{
			"chart",
			`{"type":"timeseries","title":"Net","fieldConfig":{"defaults":{"unit":"binBps","color":{"mode":"palette-classic"},"thresholds":{"steps":[{"color":"green","value":null},{"color":"red","value":80}]}}},"targets":[{"refId":"A","legendFormat":"in"},{"refId":"B","legendFormat":"__auto"}]}`,
			`{"type":"timeseries","title":"Net","config":{"unit":"bytes/s","series":[{"key":"A","label":"in"},{"key":"B","label":"B"}]}}`,
		},
		{
			"chart with thresholds shown",
			`{"type":"timeseries","fieldConfig":{"defaults":{"custom":{"thresholdsStyle":{"mode":"area"}},"thresholds":{"steps":[{"color":"red","value":null},{"color":"green","value":5}]}}}}`,
			`{"type":"timeseries","title":"","config":{"thresholds":[{"status":"danger"},{"status":"ok","value":5}]}}`,
		},
		{
			"colour by another mode",
			`{"type":"stat","fieldConfig":{"defaults":{"color":{"mode":"fixed"},"thresholds":{"steps":[{"color":"green"},{"color":"red","value":1}]}}}}`,
			`{"type":"stat","title":"","config":{}}`,
		},
		{
			"thresholds in parts of an unknown range",
			`{"type":"stat","fieldConfig":{"defaults":{"thresholds":{"mode":"percentage","steps":[{"color":"green"},{"color":"red","value":80}]}}}}`,
			`{"type":"stat","title":"","config":{}}`,
		},
		{
			"old graph",
			`{"type":"graph","title":"L","yaxes":[{"format":"s","min":0,"max":null},{"format":"short"}]}`,
			`{"type":"timeseries","title":"L","config":{"unit":"duration","min":0}}`,
		},
		{
			"old gauge",
			`{"type":"singlestat","format":"none","decimals":0,"gauge":{"show":true,"minValue":0,"maxValue":10}}`,
			`{"type":"gauge","title":"","config":{"unit":"short","min":0,"max":10,"decimals":0}}`,
		},
		{"text", `{"type":"text","options":{"mode":"html","content":"<b>"}}`, `{"type":"text","title":"","config":{"text":"<b>","mode":"html"}}`},
		{"old text", `{"type":"text","mode":"markdown","content":"# A"}`, `{"type":"text","title":"","config":{"text":"# A"}}`},
		{"row", `{"type":"row","title":"R","collapsed":true}`, `{"type":"row","title":"R","config":{"collapsed":true}}`},
		{"kept only", `{"type":"heatmap","title":"H","fieldConfig":{"defaults":{"unit":"celsius"}}}`, `{"type":"heatmap","title":"H","config":{"unit":"celsius"}}`},
		{"from the library", `{"libraryPanel":{"name":"Lib","uid":"u"}}`, `{"type":"grafana","title":"Lib","config":{}}`},
		{"strange", `{"type":7,"title":[],"fieldConfig":[],"targets":{"a":1},"yaxes":3}`, `{"type":"grafana","title":"","config":{}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			panel := parse(t, []byte(c.panel))
			got := derive(panel)
			requireEqual(t, parse(t, []byte(c.want)), got)
			if again := write(panel, got); again != panel {
				t.Errorf("writing what was read changes the panel: %s", again)
			}
		})
	}
}

func TestWrite_IsReadBack(t *testing.T) {
	for _, c := range []struct{ name, panel, widget string }{
		{"all options", `{"type":"stat"}`, `{"type":"stat","title":"T","config":{"unit":"duration","min":0.50,"max":9,"decimals":2,"description":"d","thresholds":[{"status":"busy","value":1},{"status":"danger","value":2}]}}`},
		{"another type", `{"type":"stat","title":"T"}`, `{"type":"gauge","title":"T","config":{}}`},
		{"gone options", `{"type":"gauge","title":"T","fieldConfig":{"defaults":{"unit":"s","min":1,"thresholds":{"steps":[{"color":"red","value":null}]}}}}`, `{"type":"gauge","title":"T","config":{}}`},
		{"thresholds of a chart", `{"type":"timeseries","title":"T"}`, `{"type":"timeseries","title":"T","config":{"thresholds":[{"status":"attention","value":3}]}}`},
		{"a text", `{"type":"text","title":"T","options":{"content":"a","mode":"markdown"}}`, `{"type":"text","title":"T","config":{"text":"<i>","mode":"html"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := parse(t, []byte(c.widget))
			panel := write(parse(t, []byte(c.panel)), w)
			requireEqual(t, w, derive(panel))
			if again := write(panel, w); again != panel {
				t.Errorf("writing again changes %s to %s", panel, again)
			}
		})
	}
}

func TestStatusOf(t *testing.T) {
	for color, want := range map[string]string{
		"green": "ok", "semi-dark-green": "ok", "#73BF69": "ok", "rgba(50, 172, 45, 0.97)": "ok",
		"red": "danger", "dark-red": "danger", "#d44a3a": "danger", "rgba(245, 54, 54, 0.9)": "danger", "#E0226E": "danger",
		"orange": "attention", "light-yellow": "attention", "#EAB839": "attention", "rgba(237, 129, 40, 0.89)": "attention",
		"blue": "busy", "super-light-purple": "busy", "#1F60C4": "busy", "#1f60c4ff": "busy",
		"text": "ok", "transparent": "ok", "": "ok", "#808080": "ok", "#12": "ok", "rgb(1,2)": "ok", "rgb(999,0,0)": "ok",
	} {
		if got := statusOf(color); got != want {
			t.Errorf("%q says %s, want %s", color, got, want)
		}
	}
}

func TestRescale_ThereAndBack(t *testing.T) {
	for columns := 1; columns <= gridColumns; columns++ {
		for x := range columns {
			for w := 1; x+w <= columns; w++ {
				r := board.Rect{X: x, Y: 3, W: w, H: 2}
				wide := rescale(r, columns, gridColumns)
				if got := rescale(wide, gridColumns, columns); got != r {
					t.Fatalf("%d columns: %v became %v and came back as %v", columns, r, wide, got)
				}
				if wide.X < 0 || wide.X+wide.W > gridColumns {
					t.Fatalf("%d columns: %v became %v, which leaves the grid", columns, r, wide)
				}
			}
		}
	}
}
