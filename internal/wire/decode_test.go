package wire

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// described is a decoded message as testdata has it: without what is zero, which a
// reader of the diff would have to read over.
func described(m Message) any {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		panic(err)
	}
	tree, _ = withoutZeros(tree)
	if m.Op != nil {
		op := tree.(map[string]any)["Op"].(map[string]any)
		op["Hash"] = hex.EncodeToString(m.Op.Hash[:])
	}
	return tree
}

func withoutZeros(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			kept, ok := withoutZeros(member)
			switch key {
			case "X", "Y", "W", "H", "Base", "Columns":
				ok = member != nil // pointers: 0 is a value there
			}
			if ok {
				v[key] = kept
			} else {
				delete(v, key)
			}
		}
		return v, true
	case []any:
		for i := range v {
			v[i], _ = withoutZeros(v[i])
		}
		return v, true
	case nil:
		return nil, false
	case string:
		return v, v != ""
	case bool:
		return v, v
	case float64:
		return v, v != 0
	}
	return v, true
}

func TestE1_ClientMessages(t *testing.T) {
	checkVectors(t, "client.json", func(text string) any {
		m, err := Decode([]byte(text), Limits{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return described(m)
	})
}

func TestE4_RefusedMessages(t *testing.T) {
	checkVectors(t, "refused.json", func(text string) any {
		m, err := Decode([]byte(text), Limits{Operations: 3})
		if err == nil {
			t.Fatalf("%s was taken", text)
		}
		return map[string]any{"code": err.Code, "path": err.Path, "type": m.Type, "id": m.ID}
	})
}

const update1 = `{"type":"WIDGET_UPDATE","id":"op-1","payload":{"dashboardId":"ops","widgetId":"cpu","baseVersion":42,"set":{"/title":"CPU","/n":1.0}}}`

func decodeOp(t *testing.T, text string) *board.Op {
	t.Helper()
	m, err := Decode([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m.Op
}

func TestM8_HashIsOverTheContent(t *testing.T) {
	first := decodeOp(t, update1).Hash
	for _, c := range []struct{ name, text string }{
		{"another id", strings.Replace(update1, "op-1", "op-2", 1)},
		{"age", strings.Replace(update1, `"payload"`, `"age":99,"payload"`, 1)},
		{"timestamp", strings.Replace(update1, `"payload"`, `"timestamp":"2026-01-01T00:00:00Z","payload"`, 1)},
		{"order of keys and spacing", `{"payload" : {"set": {"/n":1.0, "/\u0074itle":"CPU"},"baseVersion":42,"widgetId":"cpu","dashboardId":"ops"}, "id":"op-1", "type":"WIDGET_UPDATE"}`},
	} {
		t.Run("same with "+c.name, func(t *testing.T) {
			if decodeOp(t, c.text).Hash != first {
				t.Error("the hash is another")
			}
		})
	}
	for _, c := range []struct{ name, text string }{
		{"another value", strings.Replace(update1, `"CPU"`, `"cpu"`, 1)},
		{"a number written otherwise", strings.Replace(update1, `1.0`, `1`, 1)},
		{"another base", strings.Replace(update1, `42`, `43`, 1)},
		{"another type", strings.Replace(update1, `WIDGET_UPDATE`, `DASHBOARD_UPDATE`, 1)},
		{"a policy", strings.Replace(update1, `"baseVersion"`, `"policy":"ask","baseVersion"`, 1)},
	} {
		t.Run("other with "+c.name, func(t *testing.T) {
			if decodeOp(t, c.text).Hash == first {
				t.Error("the hash is the same")
			}
		})
	}
}

func TestM8_OpNamesItsClient(t *testing.T) {
	m, err := Decode([]byte(strings.Replace(update1, `"baseVersion"`, `"clientId":"tab-9","baseVersion"`, 1)), Limits{})
	if err != nil || m.OpClient != "tab-9" {
		t.Errorf("got %q, %v", m.OpClient, err)
	}
}

func TestD3_NumbersKeepTheirDigits(t *testing.T) {
	for _, n := range []string{"1.10", "1e400", "-0", "9007199254740993", strings.Repeat("1", 64)} {
		op := decodeOp(t, strings.Replace(update1, "1.0", n, 1))
		if got := string(op.Set[0].Value); got != n {
			t.Errorf("%s came out as %s", n, got)
		}
	}
}

func TestD4_DepthCountsFromTheWidget(t *testing.T) {
	nested := func(path string, arrays int) string {
		value := strings.Repeat("[", arrays) + strings.Repeat("]", arrays)
		return fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"op-1","payload":{"dashboardId":"ops","widgetId":"cpu","set":{%q:%s}}}`, path, value)
	}
	for _, c := range []struct {
		name, path string
		arrays     int
		ok         bool
	}{
		{"a member", "/a", 31, true},
		{"a member too deep", "/a", 32, false},
		{"three steps down", "/a/b/c", 29, true},
		{"three steps down, too deep", "/a/b/c", 30, false},
		{"the deepest path", strings.Repeat("/a", 31), 1, true},
		{"below the deepest path", strings.Repeat("/a", 31), 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(nested(c.path, c.arrays)), Limits{})
			switch {
			case c.ok && err != nil:
				t.Error(err)
			case !c.ok && (err == nil || err.Code != board.CodeInvalidValue || !strings.HasPrefix(err.Path, "payload.set"+c.path)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestD4_HostileNestingIsRefusedFirst(t *testing.T) {
	m, err := Decode([]byte(`{"type":"PING","id":"c1","payload":`+strings.Repeat("[", 5_000_000)), Limits{})
	if err == nil || err.Code != board.CodeBadMessage || m.ID != "c1" || m.Type != TypePing {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestD4_InvalidUTF8NamesThePath(t *testing.T) {
	_, err := Decode([]byte(strings.Replace(update1, `"CPU"`, "\"\xff\"", 1)), Limits{})
	if err == nil || err.Code != board.CodeInvalidValue || err.Path != "payload.set/title" {
		t.Errorf("got %v", err)
	}
}

func TestD5_PathsOfAnOp(t *testing.T) {
	set := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"/p%d":1`, i)
		}
		return `{` + strings.TrimPrefix(b.String(), ",") + `}`
	}
	part := func(n int) string { return `{"type":"WIDGET_UPDATE","widgetId":"a","set":` + set(n) + `}` }
	for _, c := range []struct {
		name, payload, typ string
		over               bool
	}{
		{"as many as there may be", `"widgetId":"a","set":` + set(9) + `,"unset":["/x"]`, "WIDGET_UPDATE", false},
		{"one more", `"widgetId":"a","set":` + set(10) + `,"unset":["/x"]`, "WIDGET_UPDATE", true},
		{"of the settings", `"set":` + set(11), "DASHBOARD_UPDATE", true},
		{"places", `"moved":{"a":{"x":1},"b":{"x":1},"c":{"x":1},"d":{"x":1},"e":{"x":1},"f":{"x":1},"g":{"x":1},"h":{"x":1},"i":{"x":1},"j":{"x":1},"k":{"x":1}}`, "LAYOUT_UPDATE", true},
		{"a batch", `"operations":[` + part(5) + `,` + part(5) + `]`, "WIDGET_BATCH", false},
		{"one more in a batch", `"operations":[` + part(5) + `,` + part(6) + `]`, "WIDGET_BATCH", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(`{"type":"`+c.typ+`","id":"1","payload":{"dashboardId":"d",`+c.payload+`}}`), Limits{Paths: 10})
			if over := err != nil; over != c.over || over && (err.Code != board.CodeLimitExceeded || err.Limit != board.LimitPaths) {
				t.Errorf("got %+v", err)
			}
		})
	}
}

func TestD5_OperationsOfABatch(t *testing.T) {
	batch := func(n int) []byte {
		parts := strings.Repeat(`,{"type":"WIDGET_DELETE","widgetId":"a"}`, n)
		return []byte(`{"type":"WIDGET_BATCH","id":"c1","payload":{"dashboardId":"ops","operations":[` + parts[1:] + `]}}`)
	}
	if m, err := Decode(batch(500), Limits{}); err != nil || len(m.Op.Operations) != 500 {
		t.Errorf("500 operations: %v", err)
	}
	if _, err := Decode(batch(501), Limits{}); err == nil || err.Code != board.CodeLimitExceeded {
		t.Errorf("501 operations: %v", err)
	}
}

// Ids and paths outlive the message in clocks and tables: they must not hold on to
// its text. Reading the decoded op after the bytes were overwritten shows that
// nothing refers to the caller's slice either.
func TestDecodeKeepsNothingOfTheInput(t *testing.T) {
	data := []byte(update1)
	m, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 'X'
	}
	if m.ID != "op-1" || m.Op.Set[1].Path != "/title" || m.Op.Set[1].Value != `"CPU"` {
		t.Errorf("got %+v", m.Op)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(update1))
	f.Add([]byte(`{"type":"WIDGET_BATCH","id":"c1","payload":{"dashboardId":"ops","operations":[{"type":"LAYOUT_UPDATE","items":[{"i":"a","x":0}],"movedIds":["a"]}]}}`))
	f.Add([]byte(`{"type":"WIDGET_DATA","id":"c1","payload":{"dashboardId":"ops","values":{"cpu":{"data":[1],"mode":"append","window":5}}}}`))
	f.Add([]byte(`{"type":"SYNC_REQUEST","id":"c1","payload":{"dashboardId":"ops","since":{"epoch":"e","version":1}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, Limits{})
		if m.ID != "" && board.CheckID("op", m.ID) != nil {
			t.Fatalf("the id %q came through", m.ID)
		}
		if err != nil {
			if err.Code == "" || err.Message == "" {
				t.Fatalf("a refusal without words: %+v", err)
			}
			return
		}
		if m.Op == nil {
			return
		}
		if err := board.CheckDisjoint(m.Op.Set, m.Op.Unset); err != nil {
			t.Fatal(err)
		}
		canonical, fault := jsontext.CanonicalText(data)
		payload, _ := board.Value(canonical).Get("/payload")
		if fault != nil || HashOp(m.Op.Type, payload) != m.Op.Hash {
			t.Fatal("the hash is not that of the payload in canonical form")
		}
		again, err := Decode([]byte(canonical), Limits{})
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("in canonical form it is %+v", again)
		}
	})
}
