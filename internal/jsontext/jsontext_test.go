package jsontext

import (
	"errors"
	"strings"
	"testing"
)

func TestD6_Canonicalize(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"spaces go", " { \"b\" : [ 1 , 2 ] , \"a\" : null } ", `{"a":null,"b":[1,2]}`},
		{"keys by UTF-16 code units", `{"\ue000":1,"\ud83d\ude00":2,"a":3,"":4}`, "{\"\":4,\"a\":3,\"\U0001F600\":2,\"\ue000\":1}"},
		{"what stands in order stays", `{"a":{"b":[{},[]],"c":"\\\"\n"},"ab":true,"b":false}`, `{"a":{"b":[{},[]],"c":"\\\"\n"},"ab":true,"b":false}`},
		{"members of many lengths", `{"c":"a longer one","b":{"y":[1,{"z":0,"x":"é"}],"x":2},"a":1}`, `{"a":1,"b":{"x":2,"y":[1,{"x":"é","z":0}]},"c":"a longer one"}`},
		{"keys at every depth", `[{"b":{"d":1,"c":2},"a":0}]`, `[{"a":0,"b":{"c":2,"d":1}}]`},
		{"shortest strings", `"\u0041\/\u003c\u2028\u007f"`, "\"A/<\u2028\u007f\""},
		{"control characters", `"\u0000\u0008\u0009\u000A\u000b\u000c\u000D\u001F\u0022\u005c"`, `"\u0000\b\t\n\u000b\f\r\u001f\"\\"`},
		{"numbers verbatim", `[-0,0.10,1e400,1E+05,9007199254740993,-0.0]`, `[-0,0.10,1e400,1E+05,9007199254740993,-0.0]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := []byte(tt.in)
			got, err := Canonicalize(in)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if string(in) != tt.in {
				t.Errorf("the input was changed to %s", in)
			}
			if text, err := CanonicalText(in); err != nil || text != tt.want {
				t.Errorf("as text: %s, %v", text, err)
			}
			again, err := Canonicalize(got)
			if err != nil || string(again) != string(got) {
				t.Errorf("a second time gives %s, %v", again, err)
			}
		})
	}
}

func TestD4_Check(t *testing.T) {
	const million = 5_000_000
	tests := []struct {
		name, in string
		reason   Reason // "" = passes
		path     string
	}{
		{"scalar", ` "x" `, "", ""},
		{"32 arrays", strings.Repeat("[", 32) + "1" + strings.Repeat("]", 32), "", ""},
		{"33 arrays", strings.Repeat("[", 33) + strings.Repeat("]", 33), ReasonDepth, strings.Repeat("/0", 32)},
		{"33 objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), ReasonDepth, strings.Repeat("/a", 32)},
		{"wide is not deep", "[" + strings.Repeat("[],", 1000) + "{}]", "", ""},
		{"five million brackets", strings.Repeat("[", million), ReasonDepth, strings.Repeat("/0", 32)},
		{"five million objects", strings.Repeat(`{"":`, million/5), ReasonDepth, strings.Repeat("/", 32)},
		{"key of 256 bytes", `{"` + strings.Repeat("é", 128) + `":1}`, "", ""},
		{"key of 257 bytes", `{"a":[{"` + strings.Repeat("k", 257) + `":1}]}`, ReasonKeyLength, "/a/0"},
		{"escapes count decoded", `{"` + strings.Repeat(`\u0061`, 256) + `":1}`, "", ""},
		{"a long string is no key", `["` + strings.Repeat("k", 257) + `"]`, "", ""},
		{"__proto__", `{"a":{"__proto__":{}}}`, ReasonKeyName, "/a/__proto__"},
		{"constructor", `[0,{"constructor":1}]`, ReasonKeyName, "/1/constructor"},
		{"prototype, escaped", `{"\u0070rototype":1}`, ReasonKeyName, "/prototype"},
		{"a forbidden name as a value", `{"a":"__proto__"}`, "", ""},
		{"duplicate", `{"a":{"b":1,"c":2,"b":3}}`, ReasonDuplicate, "/a/b"},
		{"duplicate, escaped", `{"b":1,"\u0062":3}`, ReasonDuplicate, "/b"},
		{"same key in two objects", `{"a":{"b":1},"b":{"b":1}}`, "", ""},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", ReasonUTF8, "/a"},
		{"overlong UTF-8", "\"\xc0\x80\"", ReasonUTF8, ""},
		{"surrogate as UTF-8", "\"\xed\xa0\x80\"", ReasonUTF8, ""},
		{"high surrogate alone", `["\ud800"]`, ReasonSurrogate, "/0"},
		{"low surrogate alone", `"x\udc00"`, ReasonSurrogate, ""},
		{"two high surrogates", `"\ud800\ud800"`, ReasonSurrogate, ""},
		{"surrogate alone in a key", `{"\ud800":1}`, ReasonSurrogate, ""},
		{"surrogate pair", `"\ud83d\ude00"`, "", ""},
		{"NUL in a key", `{"a":{"b\u0000":1}}`, ReasonKeyNUL, "/a/b\x00"},
		{"NUL in a string", `["\u0000"]`, "", ""},
		{"number of 64 characters", "-" + strings.Repeat("9", 63), "", ""},
		{"number of 65 characters", `{"n":[1,` + strings.Repeat("9", 65) + `]}`, ReasonNumber, "/n/1"},
		{"tiny number spelled long", "0." + strings.Repeat("0", 63), ReasonNumber, ""},
		{"1e400", "1e400", "", ""},
		{"NaN", "NaN", ReasonSyntax, ""},
		{"leading zero", "01", ReasonSyntax, ""},
		{"empty", "", ReasonSyntax, ""},
		{"spaces alone", " \n", ReasonSyntax, ""},
		{"two values", "1 2", ReasonSyntax, ""},
		{"comma at the end", "[1,]", ReasonSyntax, "/1"},
		{"byte order mark", "\ufeff1", ReasonSyntax, ""},
		{"cut off", `{"a":"`, ReasonSyntax, "/a"},
		{"bracket alone", "]", ReasonSyntax, ""},
		{"wrong bracket", "[1}", ReasonSyntax, "/0"},
		{"control character", "\"\n\"", ReasonSyntax, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Check([]byte(tt.in), Limits{})
			if tt.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Reason != tt.reason || e.Path != tt.path {
				t.Errorf("got %s at %q, want %s at %q", e.Reason, e.Path, tt.reason, tt.path)
			}
			if len(e.Message) == 0 || len(e.Message) > 200 {
				t.Errorf("message of %d bytes: %.300s", len(e.Message), e.Message)
			}
		})
	}
}

// Check accepts exactly what the library does, but for the limits, and finds canonical
// text where the library leaves it as it is.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"b":[1,{"c":null}],"a":"\u0041\ud83d\ude00"}`, `[-0,1e400,1.5E-07,01,-,1.,.5,1e]`, `"\ud800"`, `"\udc00\ud800"`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, "{\"a\":\"\xff\"}", "\"\xed\xa0\x80\"", `[[[[`, "\ufeff1", ` 1 2`, `{"\ue000":1,"\ud83d\ude00":2}`,
		`{"":0,"":1}`, `[tru,nul]`, "\"\x1f\"", `"\u001F\u000b\u000a\/"`, `{"a" : 1 , "b":[ ] }`, `{1:2}`, `{"a":}`, `{"a",}`, `[,]`, `[1 2]`, `]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Check(data, Limits{Depth: 10_000, KeyBytes: 1 << 30, NumberChars: 1 << 30})
		want, library := canonicalize(data)
		if got, err := Canonicalize(data); string(got) != string(want) || (err == nil) != (library == nil) {
			t.Fatalf("canonical is %s, %v; the library has %s, %v", got, err, want, library)
		}
		var o Outline
		object := library == nil && want[0] == '{' && !Deeper(data, rewriteDeep)
		if o.Read(data) != object {
			t.Fatalf("as an outline: %t", !object)
		}
		if object {
			if got := outlined(&o); got != string(want) {
				t.Fatalf("canonical from its outline is %s; the library has %s", got, want)
			}
		}
		var e *Error
		if errors.As(err, &e) {
			if e.Reason == ReasonKeyName || e.Reason == ReasonKeyNUL {
				return
			}
			var l *Error
			if !errors.As(library, &l) {
				t.Fatalf("refused with %v, the library takes it", err)
			}
			return
		}
		if library != nil {
			t.Fatalf("accepted, the library refuses with %v", library.(*Error).Cause)
		}
		got, err := CheckedCanonical(data, Limits{Depth: 10_000, KeyBytes: 1 << 30, NumberChars: 1 << 30})
		if err != nil || string(got) != string(want) {
			t.Fatalf("canonical as %s, %v, the library has %s", got, err, want)
		}
		canonical, _ := check(want, Limits{Depth: 10_000, KeyBytes: 1 << 30, NumberChars: 1 << 30})
		if !canonical {
			t.Fatalf("%s is canonical and not seen as such", want)
		}
	})
}

func TestD4_LongPathsAreCut(t *testing.T) {
	key := strings.Repeat("k", 100)
	err := Check([]byte(strings.Repeat(`{"`+key+`":`, 40)), Limits{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if want := strings.Repeat("/"+key, 5); e.Path != want {
		t.Errorf("got path %q, want the first five keys", e.Path)
	}
}

func TestD4_CheckTakesOtherLimits(t *testing.T) {
	if err := Check([]byte(`[[["x"]]]`), Limits{Depth: 2}); err == nil {
		t.Error("depth 3 passed a limit of 2")
	}
	if err := Check([]byte(`{"abc":12345}`), Limits{KeyBytes: 2}); err == nil {
		t.Error("a key of 3 bytes passed a limit of 2")
	}
	if err := Check([]byte(`{"abc":12345}`), Limits{NumberChars: 4}); err == nil {
		t.Error("a number of 5 characters passed a limit of 4")
	}
	if err := Check([]byte(`{"abc":[12345]}`), Limits{Depth: 2, KeyBytes: 3, NumberChars: 5}); err != nil {
		t.Error(err)
	}
}

func TestDeeper(t *testing.T) {
	tests := []struct {
		name, in string
		want     bool
	}{
		{"at the limit", `[{"a":[]}]`, false},
		{"over the limit", `[{"a":[[]]}]`, true},
		{"brackets in strings", `["[[[[\"[[[[{{{{"]`, false},
		{"five million", strings.Repeat("[", 5_000_000), true},
		{"string without end", `"\`, false},
		{"closers first", "]]]][[[", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Deeper([]byte(tt.in), 3); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	type message struct {
		Type string         `json:"type"`
		N    int            `json:"n,omitzero"`
		Raw  RawValue       `json:"raw,omitzero"`
		Map  map[string]int `json:"map,omitzero"`
	}
	tests := []struct {
		name, in string
		opts     []Option
		reason   Reason
		path     string
	}{
		{"plain", `{"type":"PING"}`, nil, "", ""},
		{"unknown member", `{"type":"PING","later":{"x":1}}`, nil, "", ""},
		{"unknown member refused", `{"type":"PING","later":{"x":1}}`, []Option{RejectUnknown()}, ReasonUnknown, "/later"},
		{"other case is another name", `{"TYPE":"PING"}`, []Option{RejectUnknown()}, ReasonUnknown, "/TYPE"},
		{"duplicate", `{"type":"PING","type":"PONG"}`, nil, ReasonDuplicate, "/type"},
		{"duplicate deep inside a raw value", `{"raw":{"a":[{"b":1,"b":2}]}}`, nil, ReasonDuplicate, "/raw/a/0/b"},
		{"invalid UTF-8", "{\"type\":\"\xff\"}", nil, ReasonUTF8, "/type"},
		{"other kind", `{"type":7}`, nil, ReasonType, "/type"},
		{"fraction for an integer", `{"n":1.5}`, nil, ReasonType, "/n"},
		{"an array", `[]`, nil, ReasonType, ""},
		{"trailing bytes", `{} x`, nil, ReasonSyntax, ""},
		{"nothing", ``, nil, ReasonSyntax, ""},
		{"far too deep", `{"raw":` + strings.Repeat("[", 1_000_000), nil, ReasonDepth, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m message
			err := Decode([]byte(tt.in), &m, tt.opts...)
			if tt.reason == "" {
				if err != nil || m.Type != "PING" {
					t.Fatalf("got %+v, %v", m, err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Reason != tt.reason {
				t.Errorf("got %s (%v), want %s", e.Reason, e.Cause, tt.reason)
			}
			if tt.reason != ReasonDepth && e.Path != tt.path {
				t.Errorf("got path %q, want %q", e.Path, tt.path)
			}
			if strings.Contains(e.Message, "message") || strings.Contains(e.Message, "Go ") {
				t.Errorf("the message tells of Go types: %s", e.Message)
			}
		})
	}
}

func TestD3_DecodeKeepsRawValues(t *testing.T) {
	var m struct {
		Set map[string]RawValue `json:"set"`
	}
	if err := Decode([]byte(`{"set":{"/a":  9007199254740993.10 ,"/b":{"z":1,"a":2},"/c":null}}`), &m); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/a": "9007199254740993.10", "/b": `{"z":1,"a":2}`, "/c": "null"} {
		if got := string(m.Set[path]); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	m := map[string]any{"b": 1, "a": []string{}, "c": map[string]int{"y": 1, "x": 2}, "d": RawValue(`{"k":1.0}`)}
	for range 20 {
		got, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"a":[],"b":1,"c":{"x":2,"y":1},"d":{"k":1.0}}`; string(got) != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	if _, err := Encode(func() {}); err == nil {
		t.Error("a func was encoded")
	}
}

func TestAppendQuote(t *testing.T) {
	got, err := AppendQuote([]byte("x:"), "a\"\\\n\x01<é\u2028")
	if want := "x:\"a\\\"\\\\\\n\\u0001<é\u2028\""; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	var e *Error
	if _, err := AppendQuote(nil, "\xff"); !errors.As(err, &e) || e.Reason != ReasonUTF8 {
		t.Errorf("invalid UTF-8: got %v", err)
	}
}
