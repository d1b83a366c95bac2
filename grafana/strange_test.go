package grafana

import (
	"testing"

	"github.com/dashwire/dashwire/board"
	"pgregory.net/rapid"
)

// strangeValue draws any small JSON value out of words that mean something here.
func strangeValue(t *rapid.T, depth int) board.Value {
	n := rapid.IntRange(0, 9).Draw(t, "value")
	if depth == 0 && n < 3 {
		n += 3
	}
	switch n {
	case 0, 1:
		return strangeObject(t, depth-1)
	case 2:
		var all []board.Value
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			all = append(all, strangeValue(t, depth-1))
		}
		return array(all)
	case 3, 4, 5:
		return rapid.SampledFrom([]board.Value{"0", "1", "2", "-1", "7.5", "1e400", "100000", "1.0", "12"}).Draw(t, "number")
	case 6:
		return rapid.SampledFrom([]board.Value{"null", "true", "false"}).Draw(t, "word")
	}
	words := []string{"", "row", "stat", "text", "graph", "singlestat", "clock", "panel-1", "a", "red", "green", "/config/unit", "/type", "/config", "s", "percent", "none", "thresholds", "html"}
	return quote(rapid.SampledFrom(words).Draw(t, "text"))
}

func strangeObject(t *rapid.T, depth int) board.Value {
	keys := []string{
		"id", "type", "title", "gridPos", "x", "y", "w", "h", "fieldConfig", "defaults", "unit", "min", "thresholds", "steps", "value",
		"color", "mode", "options", "content", "collapsed", "panels", "dashwire", "set", "unset", "static", "targets", "refId", "yaxes",
		"format", "gauge", "show", "libraryPanel", "name", "description", "collapse", "showTitle", "height", "span", "/config/unit", "/type", "/x",
	}
	v := board.Value("{}")
	for range rapid.IntRange(0, 6).Draw(t, "members") {
		v = v.With(board.JoinPointer("", rapid.SampledFrom(keys).Draw(t, "key")), strangeValue(t, max(depth, 0)))
	}
	return v
}

// TestD4_StrangeDashboards: what is taken in comes back, however little it means.
func TestD4_StrangeDashboards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var panels []board.Value
		for range rapid.IntRange(0, 5).Draw(t, "panels") {
			p := strangeObject(t, 4)
			if rapid.IntRange(0, 2).Draw(t, "row") == 0 {
				p = p.With("/type", `"row"`).With("/panels", array([]board.Value{strangeObject(t, 4), strangeObject(t, 3)}))
			}
			panels = append(panels, p)
		}
		body := strangeObject(t, 3)
		if rapid.IntRange(0, 3).Draw(t, "old") == 0 {
			body = body.Without("/panels").With("/rows", array(panels))
		} else {
			body = body.With("/panels", array(panels))
		}
		in, err := Import([]byte(body), Options{})
		if err != nil {
			return
		}
		out, err := Export(in.Document)
		if err != nil {
			t.Fatalf("export: %v", err)
		}
		if !hasOurs(body) && !body.Equal(board.Value(out)) {
			t.Fatalf("was %s\nis  %s", body, out)
		}
		again, err := Import(out, Options{})
		if err != nil {
			t.Fatalf("import of the export: %v\n%s", err, out)
		}
		if second, err := Export(again.Document); err != nil || string(second) != string(out) {
			t.Fatalf("a second round trip changes the body (%v):\n%s\n%s\n%s", err, body, out, second)
		}
	})
}

// hasOurs reports whether there is a member of ours somewhere, which says in its own
// words what export may say in others.
func hasOurs(v board.Value) bool {
	for _, e := range elements(v) {
		if hasOurs(e) {
			return true
		}
	}
	for key, m := range v.Members() {
		if key == member || hasOurs(m) {
			return true
		}
	}
	return false
}
