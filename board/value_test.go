package board

import (
	"math/big"
	"runtime"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/internal/jsontext"
	"pgregory.net/rapid"
)

func TestD6_CanonicalVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Canonical {
		t.Run(v.Description, func(t *testing.T) {
			got := mustValue(t, v.Text)
			if string(got) != v.Canonical {
				t.Fatalf("got %s, want %s", got, v.Canonical)
			}
			if again := mustValue(t, string(got)); again != got {
				t.Errorf("a second time gives %s", again)
			}
		})
	}
}

func TestD3_ValuesComeBackAsTheyWentIn(t *testing.T) {
	for _, text := range []string{
		"null", "true", "-0", "0.10", "1e400", "1E+05", "9007199254740993", "3.14159265358979323846264338327950288",
		`""`, `"é\u0000\n😀"`, `[null,[],{}]`, `{"a":null}`,
	} {
		v := Value(`{"config":{}}`).Apply(&Patch{Set: []Assignment{{"/config/x", mustValue(t, text)}}})
		if got, ok := v.Get("/config/x"); !ok || string(got) != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
}

func TestD4_RefusedVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Refused {
		t.Run(v.Description, func(t *testing.T) {
			got, err := ParseValue([]byte(v.Text))
			if err == nil {
				t.Fatalf("got %s, want a refusal", got)
			}
			if err.Code != CodeInvalidValue || err.Path != v.Path || err.Message == "" {
				t.Errorf("got %s %q at %q, want it at %q", err.Code, err.Message, err.Path, v.Path)
			}
		})
	}
}

func TestD4_HostileTextIsRefusedEarly(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 5_000_000),
		strings.Repeat(`{"a":`, 1_000_000),
		`{"a":` + strings.Repeat("[", 5_000_000),
	} {
		data := []byte(text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseValue(data)
		runtime.ReadMemStats(&after)
		if err == nil || err.Code != CodeInvalidValue {
			t.Errorf("%.10s…: got %v", text, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 256<<10 {
			t.Errorf("%.10s…: %d bytes allocated", text, got)
		}
	}
}

func TestM3_EqualityVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Equality {
		t.Run(v.Description, func(t *testing.T) {
			for i, a := range v.Texts {
				for j, b := range v.Texts {
					if got := mustValue(t, a).Equal(mustValue(t, b)); got != (v.Equal || i == j) {
						t.Errorf("%s equals %s: %t", a, b, got)
					}
				}
			}
		})
	}
}

func TestM3_AbsentEqualsOnlyAbsent(t *testing.T) {
	var absent Value
	if !absent.Equal("") {
		t.Error("absent differs from absent")
	}
	for _, v := range []Value{"null", "{}", `""`, "0"} {
		if absent.Equal(v) || v.Equal(absent) {
			t.Errorf("absent equals %s", v)
		}
	}
}

// numbers draws JSON numbers whose exact values big.Rat can hold.
func numbers() *rapid.Generator[string] {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?`)
}

func TestM3_NumbersAreEqualAsExactDecimals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := numbers().Draw(t, "a")
		b := rapid.OneOf(numbers(), rapid.Just(a+"0"), respelled(a)).Draw(t, "b")
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			t.Skip("not a number")
		}
		if b == a+"0" && strings.ContainsAny(a, "eE") {
			return // the exponent grew; covered by the free draw
		}
		if got, want := Value(a).Equal(Value(b)), x.Cmp(y) == 0; got != want {
			t.Fatalf("%s equals %s: %t, want %t", a, b, got, want)
		}
	})
}

// respelled moves the point of a number and makes up for it in the exponent.
func respelled(a string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		mantissa, exponent := a, 0
		if e := strings.IndexAny(a, "eE"); e >= 0 {
			mantissa = a[:e]
			exponent = atoi(strings.TrimPrefix(a[e+1:], "+"))
		}
		if !strings.Contains(mantissa, ".") {
			mantissa += "."
		}
		zeros := rapid.IntRange(0, 4).Draw(t, "zeros")
		mantissa += strings.Repeat("0", zeros+1)
		point := strings.IndexByte(mantissa, '.')
		digits := mantissa[:point] + mantissa[point+1:]
		sign := ""
		if digits[0] == '-' {
			sign, digits = "-", digits[1:]
		}
		exponent -= len(mantissa) - point - 1
		if digits = strings.TrimLeft(digits, "0"); digits == "" {
			digits = "0"
		}
		return sign + digits + "e" + big.NewInt(int64(exponent)).String()
	})
}

func TestKindAndDepth(t *testing.T) {
	tests := []struct {
		name  string
		value Value
		kind  byte
		depth int
	}{
		{"absent", "", 0, 0},
		{"null", "null", 'n', 0},
		{"true", "true", 't', 0},
		{"false", "false", 'f', 0},
		{"zero", "0", '0', 0},
		{"negative", "-7", '0', 0},
		{"string of brackets", `"[{\"["`, '"', 0},
		{"empty object", "{}", '{', 1},
		{"empty array", "[]", '[', 1},
		{"members do not add up", `{"a":[1],"b":[2]}`, '{', 2},
		{"deep", `[{"{[":[[]]},[]]`, '[', 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.value.Kind(); got != tt.kind {
				t.Errorf("kind %q, want %q", got, tt.kind)
			}
			if got := tt.value.Depth(); got != tt.depth {
				t.Errorf("depth %d, want %d", got, tt.depth)
			}
			if got := tt.value.IsObject(); got != (tt.kind == '{') {
				t.Errorf("object: %t", got)
			}
			if got := tt.value.Absent(); got != (tt.kind == 0) {
				t.Errorf("absent: %t", got)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	v := mustValue(t, `{"z":{"y":[1,{"x":"}"}]},"a\"\n\u0001":"q\"","":null,"m":-1.50e+3,"é":[]}`)
	want := []struct {
		key   string
		value Value
	}{
		{"", "null"}, {"a\"\n\x01", `"q\""`}, {"m", "-1.50e+3"}, {"z", `{"y":[1,{"x":"}"}]}`}, {"é", "[]"},
	}
	i := 0
	for key, value := range v.Members() {
		if key != want[i].key || value != want[i].value {
			t.Errorf("member %d: got %q %s, want %q %s", i, key, value, want[i].key, want[i].value)
		}
		if got, ok := v.Get(JoinPointer("", key)); !ok || got != value {
			t.Errorf("get %q: %s, %t", key, got, ok)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d members, want %d", i, len(want))
	}
	for range v.Members() {
		break // a caller may stop
	}
	for _, v := range []Value{"", "{}", "[1]", `"{"`, "null"} {
		for key := range v.Members() {
			t.Errorf("%q has the member %q", v, key)
		}
	}
}

func TestE6_ReachVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Reach {
		t.Run(v.Description, func(t *testing.T) {
			value := mustValue(t, string(v.Value))
			if got := value.Reaches(v.Pointer); got != v.Reaches {
				t.Fatalf("got %t", got)
			}
			if !v.Reaches {
				if got := value.With(v.Pointer, "1"); got != value {
					t.Errorf("set gives %s, want the value as it is", got)
				}
				if got := value.Apply(&Patch{Set: []Assignment{{v.Pointer, "1"}}}); got != value {
					t.Errorf("a patch gives %s, want the value as it is", got)
				}
				if _, ok := value.Get(v.Pointer); ok {
					t.Error("there is something to get")
				}
			}
		})
	}
}

func TestGetTheWholeValue(t *testing.T) {
	if got, ok := Value(`{"a":1}`).Get(""); !ok || got != `{"a":1}` {
		t.Errorf("got %s, %t", got, ok)
	}
	if _, ok := Value("").Get(""); ok {
		t.Error("absent has a value")
	}
}

// The texts of the library and ours are the same, or members would get lost.
func TestD6_KeysAreQuotedAndOrderedAsTheLibraryDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		quoted, err := jsontext.AppendQuote(nil, a)
		if err != nil {
			t.Skip("no UTF-8")
		}
		if got := appendQuoted(nil, a); string(got) != string(quoted) {
			t.Fatalf("%q: got %s, want %s", a, got, quoted)
		}
		if got := unquote(string(quoted)); got != a {
			t.Fatalf("%s: got %q, want %q", quoted, got, a)
		}
		if a == b {
			return
		}
		text := append(appendQuoted([]byte("{"), a), ":0,"...)
		text = append(append(appendQuoted(text, b), ":1"...), '}')
		v, refusal := ParseValue(text)
		if refusal != nil {
			return // a key too long or with NUL
		}
		for key := range v.Members() {
			if want := compareKeys(a, b) < 0; (key == a) != want {
				t.Fatalf("%q before %q: %t, the library differs", a, b, want)
			}
			break
		}
	})
}

// The walk is over text that is trusted, and yet never leaves its bounds.
func TestScanStaysInBounds(t *testing.T) {
	whole := `{"a\"\u0001":{"b":[1,"x\\"]},"c":-1.5e3,"d":null}`
	for i := range whole {
		for j := i; j <= len(whole); j++ {
			v := Value(whole[i:j])
			for range v.Members() {
			}
			v.Depth()
			v.Get("/a/b")
			v.Equal(Value(whole))
			Value(whole).Equal(v)
			v.With("/c/d", "1")
			v.Without("/c")
			v.Apply(&Patch{Set: []Assignment{{"/a", "1"}, {"/c/x", "{}"}}, Unset: []Pointer{"/d"}})
			v.Apply(&Patch{Set: []Assignment{{`/a"\x01/b`, "1"}, {"/c", "2"}, {"/d", "3"}}})
			Diff(v, Value(whole))
			MergePatch(v, Value(whole))
			MergePatch(Value(whole), v)
		}
	}
}
