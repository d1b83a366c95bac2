package attack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// try sends a message with the id "try" and returns its answer.
func (s *socket) try(text string) *message {
	s.t.Helper()
	s.wait()
	s.send(text)
	return s.until("the answer to "+text[:min(len(text), 80)], func(m *message) bool { return m.CorrelationID == "try" || m.Type == "NACK" })
}

// op is an op with the id "try" on the arena.
func op(kind, payload string) string {
	return fmt.Sprintf(`{"type":%q,"id":"try","payload":{"dashboardId":"arena",%s}}`, kind, payload)
}

// update is op for a widget.
func update(payload string) string { return op("WIDGET_UPDATE", `"widgetId":"w",`+payload) }

// arena opens a session of an attacker who owns dashboards of their own.
func (x *siege) arena() *socket {
	x.t.Helper()
	return x.signIn(token(x.t, "mallory", "arena*=owner"), "c")
}

// fresh makes the dashboard that ops go to, with one widget.
func (x *siege) fresh(s *socket) {
	x.t.Helper()
	s.send(`{"type":"WIDGET_UPDATE","id":"fresh","payload":{"dashboardId":"arena","widgetId":"w","create":true,"set":{"/config":{"list":[1,2,3],"text":"x"}}}}`)
	if m := s.reply("fresh"); m.Type != "ACK" {
		x.t.Fatalf("making the arena: %s", m.raw)
	}
}

// document is the arena as REST has it.
func (x *siege) document() string {
	x.t.Helper()
	return x.must(http.StatusOK, "GET", "/api/dashboards/arena", "", bearer(token(x.t, "mallory", "arena*=owner"))).body
}

// TestAttack_30_DeepJSON: depth is found before anything is decoded, in constant memory;
// twenty messages in a row that cannot be read end the session (E4).
func TestAttack_30_DeepJSON(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for name, c := range map[string]struct{ text, code string }{
		"10,000 arrays":    {update(`"set":{"/a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`), "BAD_MESSAGE"},
		"10,000 objects":   {update(`"set":{"/a":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + `}`), "BAD_MESSAGE"},
		"as changes":       {update(`"changes":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)), "BAD_MESSAGE"},
		"never closed":     {update(`"set":{"/a":` + strings.Repeat("[", 1_000_000)), "BAD_MESSAGE"},
		"from the start":   {strings.Repeat("[", 1_000_000), "BAD_MESSAGE"},
		"in the type":      {`{"id":"try","type":` + strings.Repeat("[", 500_000), "BAD_MESSAGE"},
		"33 in a value":    {update(`"set":{"/a":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`), "INVALID_VALUE"},
		"a path of 33":     {update(`"set":{"` + strings.Repeat("/a", 33) + `":1}`), "INVALID_VALUE"},
		"a path of 100k":   {update(`"set":{"` + strings.Repeat("/a", 100_000) + `":1}`), "INVALID_VALUE"},
		"an unset of 100k": {update(`"unset":["` + strings.Repeat("/a", 100_000) + `"]`), "INVALID_VALUE"},
		"as presence":      {op("PRESENCE", `"state":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)), "INVALID_VALUE"},
		"as a live value":  {op("WIDGET_DATA", `"widgetId":"w","data":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)), "INVALID_VALUE"},
	} {
		s.try(c.text).nack(t, name, c.code)
		x.refuses(c.code, 1)
	}
	body := `{"type":"SYNC","operations":[` + strings.Repeat("[", 3_000_000)
	x.call("POST", "/api/realtime", body, bearer(token(t, "mallory", "arena*=owner"))).refused(t, "over REST", 400, "BAD_MESSAGE")
	s.lives()
	for range 19 {
		s.try(strings.Repeat("[", 5000)).nack(t, "again", "BAD_MESSAGE")
	}
	s.send(strings.Repeat("[", 5000))
	s.shut("twenty in a row", 4400)
	x.closes(4400, 1)
}

// TestAttack_31_KeysTwice: no key counts twice, or in another spelling.
func TestAttack_31_KeysTwice(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for _, c := range []struct{ text, code string }{
		{`{"type":"PING","id":"try","type":"PING"}`, "BAD_MESSAGE"},
		{`{"type":"PING","id":"try","id":"other"}`, "BAD_MESSAGE"},
		{`{"type":"PING","\u0074ype":"PING","id":"try"}`, "BAD_MESSAGE"},
		{`{"TYPE":"PING","id":"try"}`, "BAD_MESSAGE"},
		{`{"Type":"WIDGET_DELETE","type ":"PING","id":"try"}`, "BAD_MESSAGE"},
		{`{"type":"PING","ID":"` + poison + `"}`, "BAD_MESSAGE"},
		{`{"type":"PING","\u0130d":"x"}`, "BAD_MESSAGE"},
		{`{"type":"WIDGET_DELETE","id":"try","payload":{"dashboardId":"arena","widgetId":"w"},"payload":{"dashboardId":"honest","widgetId":"w"}}`, "INVALID_VALUE"},
		{update(`"set":{"/a":1,"/a":2}`), "INVALID_VALUE"},
		{update(`"set":{"/a":{"b":1,"b":1}}`), "INVALID_VALUE"},
		{update(`"set":{"/a":{"b":1,"\u0062":1}}`), "INVALID_VALUE"},
		{update(`"set":{"/a":1,"/a/b":2}`), "PATH"},
		{update(`"set":{"/a":1},"unset":["/a"]`), "PATH"},
		{update(`"changes":{"a":1,"a":2}`), "INVALID_VALUE"},
	} {
		m := s.try(c.text)
		m.nack(t, c.text, c.code)
		x.refuses(m.code(), 1)
		s.lives()
	}
}

// TestAttack_32_OddNumbersAndText: what may be stored comes back digit by digit (D3), the
// rest is refused; nothing is rounded in silence.
func TestAttack_32_OddNumbersAndText(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for i, n := range []string{
		"1e400", "-0", "-0.0", "9007199254740993", "1.10", "1E+2", "0.1000000000000000055511151231257827",
		strings.Repeat("9", 64), "-" + strings.Repeat("9", 63), "1e-999999999", "0e9999", "5E-324", `""`, `"\u0000"`, `"\u001b[31m"`,
	} {
		id := fmt.Sprintf("stored-%d", i)
		s.send(fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":"arena","widgetId":"w","set":{"/v%d":%s}}}`, id, i, n))
		if m := s.reply(id); m.Type != "ACK" {
			t.Errorf("%s: %s", n, m.raw)
		}
		if stored := fmt.Sprintf(`"v%d":%s`, i, n); !strings.Contains(x.document(), stored) {
			t.Errorf("%s has become %s", stored, x.document())
		}
	}
	for text, code := range map[string]string{
		update(`"set":{"/n":` + strings.Repeat("9", 65) + `}`):                   "INVALID_VALUE",
		update(`"set":{"/n":1e` + strings.Repeat("9", 64) + `}`):                 "INVALID_VALUE",
		update(`"set":{"/n":NaN}`):                                               "BAD_MESSAGE",
		update(`"set":{"/n":Infinity}`):                                          "BAD_MESSAGE",
		update(`"set":{"/n":-}`):                                                 "BAD_MESSAGE",
		update(`"set":{"/n":01}`):                                                "BAD_MESSAGE",
		update(`"set":{"/n":.5}`):                                                "BAD_MESSAGE",
		update(`"set":{"/n":0x10}`):                                              "BAD_MESSAGE",
		update(`"set":{"/n":"\ud800"}`):                                          "INVALID_VALUE",
		update(`"set":{"/n":"\udc00\ud800"}`):                                    "INVALID_VALUE",
		update(`"set":{"/n":{"\ud83d":1}}`):                                      "INVALID_VALUE",
		update(`"set":{"/n":{"a\u0000b":1}}`):                                    "INVALID_VALUE",
		update(`"set":{"/a\u0000b":1}`):                                          "INVALID_VALUE",
		update(`"set":{"/n":"` + "\x01" + `"}`):                                  "BAD_MESSAGE",
		update(`"set":{"/n":"` + "\n" + `"}`):                                    "BAD_MESSAGE",
		"\ufeff" + update(`"set":{"/n":1}`):                                      "BAD_MESSAGE",
		update(`"set":{"/n":1}`) + "x":                                           "BAD_MESSAGE",
		update(`"set":{"/n":1}`) + update(`"set":{"/n":2}`):                      "BAD_MESSAGE",
		update(`"set":{"/n":1}`) + "\x00":                                        "BAD_MESSAGE",
		update(`"set":{"/n":1,}`):                                                "BAD_MESSAGE",
		update(`"set":{'/n':1}`):                                                 "BAD_MESSAGE",
		update(`"set":{"/n":1} /* ` + poison + ` */`):                            "BAD_MESSAGE",
		update(`"baseVersion":1e0,"set":{"/n":1}`):                               "BAD_VERSION",
		`{"type":"WIDGET_UPDATE","id":"try","age":1e400,"payload":` + "{}" + `}`: "INVALID_VALUE",
	} {
		m := s.try(text)
		m.nack(t, text[:min(len(text), 200)], code)
		x.refuses(m.code(), 1)
		s.lives()
	}
	if strings.Contains(x.document(), `"n":`) {
		t.Errorf("something was stored: %s", x.document())
	}
}

// TestAttack_33_Masses: many keys, long keys, many operations: each is refused or taken
// in bounded time, and others go on meanwhile.
func TestAttack_33_Masses(t *testing.T) {
	x := besieged(t)
	x.keeps = 16 << 20 // a dashboard of megabytes stays open for some seconds after the last session
	s := x.arena()
	x.fresh(s)
	many := func(n int, item func(i int) string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = item(i)
		}
		return strings.Join(all, ",")
	}
	// Strings that collide in hash functions without a secret: every "Aa" may be "BB".
	collide := func(i int) string {
		var b strings.Builder
		for range 16 {
			b.WriteString([]string{"Aa", "BB"}[i&1])
			i >>= 1
		}
		return fmt.Sprintf(`"%s":0`, b.String())
	}
	grid := func(i int) string {
		return fmt.Sprintf(`{"type":"LAYOUT_UPDATE","breakpoint":"b%d","create":true,"columns":%d}`, i, i%1000+1)
	}
	for _, c := range []struct {
		name, text string
		want       string // ACK, or the code of a NACK
	}{
		{"a key of a megabyte", update(`"set":{"/config":{"` + strings.Repeat(poison, 1<<20/len(poison)) + `":1}}`), "TOO_LARGE"},
		{"a key of half a megabyte", update(`"set":{"/config":{"` + strings.Repeat(poison, 1<<19/len(poison)) + `":1}}`), "INVALID_VALUE"},
		{"a key of 257 bytes", update(`"set":{"/config":{"` + strings.Repeat("k", 257) + `":1}}`), "INVALID_VALUE"},
		{"a path of half a megabyte", update(`"set":{"/` + strings.Repeat(poison, 1<<19/len(poison)) + `":1}`), "INVALID_VALUE"},
		{"20,000 operations", op("WIDGET_BATCH", `"operations":[`+many(20_000, func(int) string { return `{"type":"WIDGET_DELETE","widgetId":"w"}` })+`]`), "LIMIT_EXCEEDED"},
		{"501 operations", op("WIDGET_BATCH", `"operations":[`+many(501, func(int) string { return `{"type":"WIDGET_DELETE","widgetId":"w"}` })+`]`), "LIMIT_EXCEEDED"},
		{"80,000 keys", update(`"set":{"/config":{` + many(80_000, func(i int) string { return fmt.Sprintf(`"k%d":0`, i) }) + `}}`), "ACK"},
		{"20,000 keys that collide", update(`"set":{"/config":{` + many(20_000, collide) + `}}`), "ACK"},
		{"50,000 paths", update(`"set":{` + many(50_000, func(i int) string { return fmt.Sprintf(`"/config/k%d":0`, i) }) + `}`), "LIMIT_EXCEEDED"},
		{"10,000 paths", update(`"set":{` + many(10_000, func(i int) string { return fmt.Sprintf(`"/config/k%d":0`, i) }) + `}`), "ACK"},
		{"10,000 paths again, backwards", update(`"set":{` + many(10_000, func(i int) string { return fmt.Sprintf(`"/config/k%d":1`, 10_000-i) }) + `}`), "ACK"},
		{"60,000 paths to unset", update(`"unset":[` + many(60_000, func(i int) string { return fmt.Sprintf(`"/config/u%d"`, i) }) + `]`), "LIMIT_EXCEEDED"},
		{"40,000 paths seen before", update(`"set":{"/title":"x"},"prev":{` + many(40_000, func(i int) string { return fmt.Sprintf(`"/config/k%d":0`, i) }) + `}`), "ACK"},
		{"50,000 widgets that are not there", op("LAYOUT_UPDATE", `"moved":{`+many(50_000, func(i int) string { return fmt.Sprintf(`"n%d":{"x":1}`, i) })+`}`), "LIMIT_EXCEEDED"},
		{"20,000 items", op("LAYOUT_UPDATE", `"movedIds":["n1","n19999"],"items":[`+many(20_000, func(i int) string { return fmt.Sprintf(`{"i":"n%d","x":1,"y":%d,"w":1,"h":1}`, i, i) })+`]`), "ACK"},
		{"20,000 live values", op("WIDGET_DATA", `"values":{`+many(20_000, func(i int) string { return fmt.Sprintf(`"n%d":{"data":%d}`, i, i) })+`}`), "NOT_FOUND"},
		{"a live value of 65 KiB", op("WIDGET_DATA", `"widgetId":"w","data":"`+strings.Repeat("x", 65<<10)+`"`), "TOO_LARGE"},
		{"a presence of 5 KiB", op("PRESENCE", `"state":"`+strings.Repeat("x", 5<<10)+`"`), "TOO_LARGE"},
		{"500 grids", op("WIDGET_BATCH", `"operations":[`+many(500, grid)+`]`), "BATCH_REFUSED"},
		{"31 grids", op("WIDGET_BATCH", `"operations":[`+many(31, grid)+`]`), "ACK"},
		{"500 widgets on 32 grids", op("WIDGET_BATCH", `"operations":[`+many(500, func(i int) string {
			return fmt.Sprintf(`{"type":"WIDGET_UPDATE","widgetId":"m%d","create":true}`, i)
		})+`]`), "ACK"},
		{"500 more of one that is there", op("WIDGET_BATCH", `"operations":[`+many(500, func(i int) string {
			return fmt.Sprintf(`{"type":"WIDGET_UPDATE","widgetId":"m%d","set":{"/a":%d}}`, i, i)
		})+`]`), "ACK"},
	} {
		text := strings.Replace(c.text, `"id":"try"`, fmt.Sprintf(`"id":%q`, strings.ReplaceAll(strings.ReplaceAll("try-"+c.name, " ", "-"), ",", ".")), 1)
		ask := func() *message {
			s.send(text)
			s.wait()
			return s.until("an answer to "+c.name, func(m *message) bool { return strings.HasPrefix(m.CorrelationID, "try") })
		}
		m := ask()
		for until := time.Now().Add(patience); m.code() == "UNAVAILABLE" && time.Now().Before(until); {
			m = ask() // a busy machine may need longer than a request has; the op is one
		}
		got := m.code()
		if got == "" {
			got = m.Type
		}
		if got != c.want {
			t.Errorf("%s: %.300s, want %s", c.name, m.raw, c.want)
		}
		if c.want != "ACK" {
			x.refuses(got, 1)
		}
		s.lives()
	}
}

// TestAttack_34_PrototypeKeys: names that could change a prototype are no keys and no ids,
// at any depth and wherever keys come from; the clients hold the same against themselves.
func TestAttack_34_PrototypeKeys(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for _, name := range []string{"__proto__", "constructor", "prototype", `\u005f_proto__`} {
		for _, c := range []struct{ text, code string }{
			{update(`"set":{"/` + name + `":{"polluted":true}}`), "INVALID_VALUE"},
			{update(`"set":{"/` + name + `/polluted":true}`), "INVALID_VALUE"},
			{update(`"set":{"/a/` + name + `":true}`), "INVALID_VALUE"},
			{update(`"set":{"/a":{"b":[{"` + name + `":{"polluted":true}}]}}`), "INVALID_VALUE"},
			{update(`"changes":{"` + name + `":{"polluted":true}}`), "INVALID_VALUE"},
			{update(`"changes":{"a":{"` + name + `":null}}`), "INVALID_VALUE"},
			{update(`"unset":["/` + name + `"]`), "INVALID_VALUE"},
			{op("DASHBOARD_UPDATE", `"changes":{"`+name+`":1}`), "INVALID_VALUE"},
			{op("WIDGET_DATA", `"widgetId":"w","data":{"`+name+`":1}`), "INVALID_VALUE"},
			{op("PRESENCE", `"state":{"`+name+`":1}`), "INVALID_VALUE"},
			{op("WIDGET_DELETE", `"widgetId":"`+name+`"`), "INVALID_ID"},
			{op("LAYOUT_UPDATE", `"breakpoint":"`+name+`","create":true`), "INVALID_ID"},
			{op("LAYOUT_UPDATE", `"moved":{"`+name+`":{"x":1}}`), "INVALID_ID"},
			{`{"type":"WIDGET_DELETE","id":"try","payload":{"dashboardId":"` + name + `","widgetId":"w"}}`, "INVALID_ID"},
		} {
			m := s.try(c.text)
			if m.code() != c.code && m.code() != "INVALID_VALUE" {
				t.Errorf("%s: got %s, want NACK %s", c.text, m.raw, c.code)
			}
			x.refuses(m.code(), 1)
		}
	}
	who := bearer(token(t, "mallory", "*=owner"))
	for path, body := range map[string]string{
		"/api/dashboards":        `{"id":"arena2","document":{"widgets":{"w":{"config":{"__proto__":{"polluted":true}}}}}}`,
		"/api/dashboards/import": `{"panels":[{"id":1,"type":"text","options":{"__proto__":{"polluted":true}}}],"title":"x","schemaVersion":39}`,
	} {
		if a := x.call("POST", path, body, who, "Content-Type: application/json"); a.status < 400 && strings.Contains(a.body, "__proto__") || a.status >= 500 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if d := x.document(); strings.Contains(d, "polluted") || strings.Contains(d, "proto") {
		t.Errorf("something was stored: %s", d)
	}
	s.lives()
}

// TestAttack_35_PathsThatLeadAway: dots are names like others, arrays are whole values.
func TestAttack_35_PathsThatLeadAway(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for _, path := range []string{
		"/config/list/0", "/config/list/-", "/config/list/-1", "/config/list/1000000000", "/config/list/4294967296/x",
		"/config/text/0", "/config/text/length", "config", "", "#/config", "/config~2x", "/config~",
	} {
		s.try(update(`"set":{"`+path+`":1}`)).nack(t, path, "PATH")
		x.refuses("PATH", 1)
	}
	if m := s.try(update(`"set":{"/a/../../b":1,"/../x":2,"//y":3,"/%2e%2e/z":4}`)); m.Type != "ACK" {
		t.Errorf("dots: %s", m.raw)
	}
	var doc struct {
		Widgets map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(x.document()), &doc); err != nil {
		t.Fatal(err)
	}
	const want = `{"":{"y":3},"%2e%2e":{"z":4},"..":{"x":2},"a":{"..":{"..":{"b":1}}},"config":{"list":[1,2,3],"text":"x"}}`
	if got := string(doc.Widgets["w"]); got != want {
		t.Errorf("the widget is %s, want %s", got, want)
	}
}

// TestAttack_36_UnknownTypesAndFields: an unknown type is refused, an unknown field passed
// over, and nothing of a message is believed that the server knows better (E1).
func TestAttack_36_UnknownTypesAndFields(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for _, kind := range []string{
		"WIDGET_EXPLODE", "widget_update", "", "ACK", "NACK", "SYNC_UPDATE", "SYNC_RESPONSE", "CONFLICT_DETECTED", "APP_MESSAGE",
		"DASHBOARD_DELETE", strings.Repeat(poison, 1000), "\\u0000", "PING ", "%s%n",
	} {
		s.try(op(kind, `"widgetId":"w"`)).nack(t, kind[:min(len(kind), 20)], "UNKNOWN_TYPE")
		x.refuses("UNKNOWN_TYPE", 1)
		s.lives()
	}
	for text, code := range map[string]string{
		`null`: "BAD_MESSAGE", `[]`: "BAD_MESSAGE", `"PING"`: "BAD_MESSAGE", `1`: "BAD_MESSAGE", ``: "BAD_MESSAGE", `{}`: "BAD_MESSAGE",
		`{"type":1,"id":"try"}`: "BAD_MESSAGE", `{"type":"PING","id":1}`: "BAD_MESSAGE", `{"type":"PING","id":null}`: "BAD_MESSAGE",
		`{"type":"WIDGET_UPDATE","id":"try"}`: "BAD_MESSAGE", `{"type":"WIDGET_UPDATE","id":"try","payload":[]}`: "BAD_MESSAGE",
		`{"type":"SYNC_REQUEST","id":"try","payload":{}}`: "INVALID_ID",
	} {
		m := s.try(text)
		m.nack(t, text, code)
		s.lives()
	}
	m := s.try(`{"type":"WIDGET_UPDATE","id":"try","userId":"honest","timestamp":"1970-01-01T00:00:00Z","protocol":99,"x":{},"payload":` +
		`{"dashboardId":"arena","widgetId":"w","set":{"/title":"x"},"author":{"userId":"honest"},"version":99,"epoch2":1}}`)
	if m.Type != "ACK" || m.fields().Version != 2 {
		t.Errorf("unknown fields: %s", m.raw)
	}
	history := x.must(http.StatusOK, "GET", "/api/dashboards/arena/history", "", bearer(token(t, "mallory", "arena*=owner"))).body
	if strings.Contains(history, "honest") || strings.Contains(history, "1970") {
		t.Errorf("the history believes the message: %s", history)
	}
}
