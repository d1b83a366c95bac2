package wire

import (
	"strings"
	"testing"
)

func TestE5_PeekID(t *testing.T) {
	long := strings.Repeat("x", 4000)
	for _, c := range []struct{ name, text, want string }{
		{"first", `{"id":"op-1","type":"PING"}`, "op-1"},
		{"after others", `{"type":"PING", "n" : 12.5, "list":[1,{"id":"no"}] , "id" : "op-1"`, "op-1"},
		{"cut off behind it", `{"type":"X","id":"op-1","payload":{"a":"` + long, "op-1"},
		{"cut off right behind it", `{"id":"op-1"`, "op-1"},
		{"inside the payload only", `{"type":"X","payload":{"id":"op-1"}}`, ""},
		{"beyond 512 bytes", `{"a":"` + long + `","id":"op-1"}`, ""},
		{"cut off within", `{"type":"X","id":"op`, ""},
		{"no string", `{"id":12}`, ""},
		{"not allowed as an id", `{"id":"a b"}`, ""},
		{"escaped", `{"id":"op\u002d1"}`, "op-1"},
		{"no object", `["id","op-1"]`, ""},
		{"nothing", ``, ""},
		{"rubbish", `{{{"id":"x"`, ""},
		{"broken later", `{"id":"op-1",}`, "op-1"},
		{"quotes in a string before", `{"a":"\"id\":\"no\"\\","id":"op-1"}`, "op-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := PeekID([]byte(c.text)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHeadReadsTheFrontOnly(t *testing.T) {
	mt, id, corr := Head([]byte(`{"type":"ACK","correlationId":"op-1","timestamp":"2026","payload":{"id":"no"},"id":"late"}`))
	if string(mt) != "ACK" || string(id) != "" || string(corr) != "op-1" {
		t.Errorf("got %q %q %q", mt, id, corr)
	}
	mt, id, _ = Head([]byte(`{"type":"WIDGET_UPDATE","id":"op-9","payload":`))
	if string(mt) != "WIDGET_UPDATE" || string(id) != "op-9" {
		t.Errorf("got %q %q", mt, id)
	}
	if mt, _, _ = Head([]byte(`[`)); mt != nil {
		t.Errorf("got %q of no object", mt)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"type":"X","id":"op-1","payload":{"a":[1,2,"\\\""]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		PeekID(data)
		Head(data)
		m := membersOf(data, '{')
		for n := 0; ; n++ {
			if _, _, ok := m.next(); !ok {
				break
			}
			if n > len(data) {
				t.Fatal("the walk does not end")
			}
		}
	})
}
