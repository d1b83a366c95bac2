package jsontext

import (
	"strings"
	"testing"
)

// outlined puts an object together again from its outline.
func outlined(o *Outline) string {
	text := []byte{'{'}
	members := o.Members()
	for i := range members {
		m := &members[i]
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), o.Key(m)...), '"', ':')
		text = o.Append(text, m)
	}
	return string(append(text, '}'))
}

func TestD6_OutlineTellsWhereMembersStand(t *testing.T) {
	const in = ` {"payload" : {"set":{"/b":{"y":1.50,"x":[2 ]},"/a\"":"\u00e9"},"id":7}, "n":null, "\u0061":{}} `
	var o Outline
	if !o.Read([]byte(in)) {
		t.Fatal("not read")
	}
	var keys []string
	for i := range o.Members() {
		keys = append(keys, string(o.Key(&o.Members()[i])))
	}
	if got := strings.Join(keys, " "); got != "a n payload" {
		t.Fatalf("the members are %s", got)
	}
	payload := &o.Members()[2]
	text := string(o.Append([]byte("before "), payload))
	if want := `before {"id":7,"set":{"/a\"":"é","/b":{"x":[2],"y":1.50}}}`; text != want {
		t.Fatalf("got %s, want %s", text, want)
	}
	if got := payload.Value(text); got != text[len("before "):] {
		t.Errorf("the payload is %s", got)
	}
	set := &o.Inner(payload)[1]
	if key, value := set.Key(text), set.Value(text); key != "set" || value != `{"/a\"":"é","/b":{"x":[2],"y":1.50}}` {
		t.Errorf("got %s: %s", key, value)
	}
	for i, want := range [][2]string{{`/a"`, `"é"`}, {"/b", `{"x":[2],"y":1.50}`}} {
		if m := &o.Inner(set)[i]; m.Key(text) != want[0] || m.Value(text) != want[1] {
			t.Errorf("got %s: %s, want %s", m.Key(text), m.Value(text), want)
		}
	}
	if n := len(o.Inner(&o.Inner(set)[1])); n != 0 {
		t.Errorf("%d members of what lies too deep", n)
	}
}

func TestD4_OutlineTellsWhatMayBeRefused(t *testing.T) {
	for _, c := range []struct {
		name, value string
		depth       int
		clean       bool
	}{
		{"a scalar", `"x"`, 0, true},
		{"an empty object", `{}`, 1, true},
		{"objects in arrays", `[1,[{"a":[]}],{}]`, 4, true},
		{"what is taken apart", `{"a":{"b":{"c":1}}}`, 3, true},
		{"what stands beside it does not count", `{"a":1,"b":[]}`, 2, true},
		{"a long number", `[` + strings.Repeat("1", 65) + `]`, 1, false},
		{"a number as long as may be", strings.Repeat("1", 64), 0, true},
		{"a reserved key", `{"a":{"b":{"c":{"constructor":1}}}}`, 4, false},
		{"a long key", `{"` + strings.Repeat("k", 257) + `":1}`, 1, false},
		{"a long key in escapes", `{"` + strings.Repeat(`\\`, 257) + `":1}`, 1, false},
		{"NUL in a key", `{"\u0000":1}`, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o Outline
			if !o.Read([]byte(`{"a":{"__proto__":[[[[[` + strings.Repeat("1", 65) + `]]]]]},"b":` + c.value + `,"c":{"__proto__":[[[[[1]]]]]}}`)) {
				t.Fatal("not read")
			}
			if depth, clean := o.Members()[1].Nests(); depth != c.depth || clean != c.clean {
				t.Errorf("nests %d deep, clean %t; want %d, %t", depth, clean, c.depth, c.clean)
			}
		})
	}
}

func TestD4_OutlineRefuses(t *testing.T) {
	var o Outline
	nested := func(n int) string {
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for _, text := range []string{``, `1`, `[{}]`, `{} {}`, `{"a":1,"a":2}`, `{"b":1,"a":2,"b":3}`, `{"a":{"b":1,"\u0062":2}}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":01}`, `{"a"}`, nested(65)} {
		if o.Read([]byte(text)) {
			t.Errorf("%.40s was taken", text)
		}
	}
	if !o.Read([]byte(nested(64))) {
		t.Error("64 deep was not taken")
	}
}

// What is read next knows nothing of what was read before.
func TestOutlineIsUsedAgain(t *testing.T) {
	var o Outline
	for _, text := range []string{`{"a":{"b":{"c":[1]}}}`, `{"a":`, `{}`, `{"b":{},"c":1}`} {
		read := o.Read([]byte(text))
		if text == `{"a":` {
			if read {
				t.Error("a part was taken")
			}
		} else if got := outlined(&o); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
		o.Reset()
	}
}
