package board

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestE6_PatchVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Patch {
		t.Run(v.Description, func(t *testing.T) {
			value, want := mustValue(t, string(v.Value)), mustValue(t, string(v.Result))
			set := v.assignments(t)
			patch := &Patch{Set: set, Unset: v.Unset}
			if got := value.Apply(patch); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := value.Apply(patch).Apply(patch); got != want {
				t.Errorf("a second time gives %s, want %s", got, want)
			}
			oneByOne := value
			for _, a := range slices.Backward(set) {
				oneByOne = oneByOne.With(a.Path, a.Value)
			}
			for _, p := range slices.Backward(v.Unset) {
				oneByOne = oneByOne.Without(p)
			}
			if oneByOne != want {
				t.Errorf("one by one gives %s, want %s", oneByOne, want)
			}
		})
	}
}

func TestApplyNothing(t *testing.T) {
	v := Value(`{"a":1}`)
	for _, patch := range []*Patch{nil, {}, {Unset: []Pointer{"/b"}}} {
		if got := v.Apply(patch); got != v {
			t.Errorf("%+v gives %s", patch, got)
		}
	}
	if got := Value("").Apply(&Patch{Set: []Assignment{{"/a", "1"}}}); got != v {
		t.Errorf("a patch on nothing gives %s, want %s", got, v)
	}
	if got := Value("").Apply(&Patch{Unset: []Pointer{"/a"}}); got != "" {
		t.Errorf("unset on nothing gives %s", got)
	}
	if got := v.With("", "2"); got != "2" {
		t.Errorf("the whole set gives %s", got)
	}
	if got := v.Without(""); got != "" {
		t.Errorf("the whole unset gives %s", got)
	}
	if got := v.Apply(&Patch{Set: []Assignment{{"", "2"}}}); got != "2" {
		t.Errorf("the whole set by a patch gives %s", got)
	}
	if got := v.Apply(&Patch{Unset: []Pointer{""}}); got != "" {
		t.Errorf("the whole unset by a patch gives %s", got)
	}
}

func TestE6_MergePatchVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.MergePatch {
		t.Run(v.Description, func(t *testing.T) {
			value, patch, want := mustValue(t, string(v.Value)), mustValue(t, string(v.Patch)), mustValue(t, string(v.Result))
			set, unset := CompileMergePatch(value, patch)
			if !slices.Equal(set, v.assignments(t)) || !slices.Equal(unset, v.Unset) {
				t.Errorf("compiled to set %v unset %v, want %v %v", set, unset, v.assignments(t), v.Unset)
			}
			if got := value.Apply(&Patch{Set: set, Unset: unset}); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := MergePatch(value, patch); got != want {
				t.Errorf("merged whole: got %s, want %s", got, want)
			}
		})
	}
}

// The cases of the RFC's appendix whose document or patch is no object.
func TestMergePatchOfOtherKinds(t *testing.T) {
	tests := []struct{ name, current, patch, want string }{
		{"RFC 7396 A 9", `["a","b"]`, `["c","d"]`, `["c","d"]`},
		{"RFC 7396 A 10", `{"a":"b"}`, `["c"]`, `["c"]`},
		{"RFC 7396 A 11a", `{"a":"foo"}`, `null`, `null`},
		{"RFC 7396 A 11b", `{"a":"foo"}`, `"bar"`, `"bar"`},
		{"RFC 7396 A 13", `[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{"RFC 7396 A 14", `{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{"nothing there", ``, `{"a":{"b":null}}`, `{"a":{}}`},
		{"nothing there and nothing to do", ``, `{"a":null}`, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := MergePatch(Value(tt.current), Value(tt.patch)); got != Value(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDiffVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Diff {
		t.Run(v.Description, func(t *testing.T) {
			from, to := mustValue(t, string(v.From)), mustValue(t, string(v.To))
			set, unset := Diff(from, to)
			if !slices.Equal(set, v.assignments(t)) || !slices.Equal(unset, v.Unset) {
				t.Errorf("got set %v unset %v, want %v %v", set, unset, v.assignments(t), v.Unset)
			}
			if got := from.Apply(&Patch{Set: set, Unset: unset}); got != to {
				t.Errorf("applied gives %s, want %s", got, to)
			}
		})
	}
}

// keys draws keys that often meet and sort in every awkward way.
func keys() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b", "a-b", "a/b", "ab", "", "~", "~1", "\"", "\n", "é", "\uffff", "\U0001F600", "A"}),
		rapid.StringN(0, 4, 16).Filter(func(s string) bool {
			_, err := ParsePointer(string(JoinPointer("", s)))
			return err == nil
		}),
	)
}

// values draws canonical values of at most the given depth.
func values(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]Value{"null", "true", "false", "[]", "{}"}).Draw(t, "literal")
		case 1, 2:
			return rapid.SampledFrom([]Value{"0", "-0", "1", "1.0", "10e-1", "-2.50", "1e400"}).Draw(t, "number")
		case 3:
			return Value(appendQuoted(nil, rapid.SampledFrom([]string{"", "{", "]", "\"\\", "a\x00", "1"}).Draw(t, "string")))
		case 4:
			var text []string
			for _, v := range rapid.SliceOfN(values(depth-1), 0, 3).Draw(t, "array") {
				text = append(text, string(v))
			}
			return Value("[" + strings.Join(text, ",") + "]")
		}
		return objects(depth-1).Draw(t, "object")
	})
}

// objects draws canonical objects whose members have at most the given depth.
func objects(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		text := []byte("{")
		for key, v := range rapid.MapOfN(keys(), values(depth), 0, 5).Draw(t, "members") {
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = append(append(appendQuoted(text, key), ':'), v...)
		}
		v, err := ParseValue(append(text, '}'))
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

// checkCanonical fails unless v is what parsing it again gives.
func checkCanonical(t interface {
	Helper()
	Fatalf(string, ...any)
}, v Value,
) {
	t.Helper()
	again, err := ParseValue([]byte(v))
	if err != nil || again != v {
		t.Fatalf("%s is not canonical: %s, %v", v, again, err)
	}
}

func TestE6_PatchesAreOrderFreeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := objects(3).Draw(t, "value")
		var patch Patch
		for _, p := range rapid.SliceOfNDistinct(pointers(), 0, 12, rapid.ID[Pointer]).Draw(t, "pointers") {
			set := slices.Clone(patch.Set)
			unset := slices.Clone(patch.Unset)
			if rapid.Bool().Draw(t, "unset") {
				unset = append(unset, p)
			} else {
				set = append(set, Assignment{p, values(2).Draw(t, "new")})
			}
			if CheckDisjoint(set, unset) == nil && v.Reaches(p) {
				patch.Set, patch.Unset = set, unset
			}
		}
		got := v.Apply(&patch)
		checkCanonical(t, got)
		if again := got.Apply(&patch); again != got {
			t.Fatalf("again gives %s, want %s", again, got)
		}
		oneByOne := v
		for _, i := range rapid.Permutation(indexes(len(patch.Set)+len(patch.Unset))).Draw(t, "order") {
			if i < len(patch.Set) {
				oneByOne = oneByOne.With(patch.Set[i].Path, patch.Set[i].Value)
			} else {
				oneByOne = oneByOne.Without(patch.Unset[i-len(patch.Set)])
			}
		}
		if oneByOne != got {
			t.Fatalf("one by one gives %s, want %s", oneByOne, got)
		}
		for _, a := range patch.Set {
			if w, ok := got.Get(a.Path); !ok || w != a.Value {
				t.Fatalf("at %s there is %s, want %s", a.Path, w, a.Value)
			}
		}
		for _, p := range patch.Unset {
			if w, ok := got.Get(p); ok {
				t.Fatalf("at %s there is still %s", p, w)
			}
		}
	})
}

// Setting members that are there splices their values in.
func TestE6_SettingWhatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := objects(3).Draw(t, "value")
		var there []Pointer
		var gather func(Pointer, Value)
		gather = func(p Pointer, v Value) {
			for key, member := range v.Members() {
				there = append(there, JoinPointer(p, key))
				gather(there[len(there)-1], member)
			}
		}
		gather("", v)
		if len(there) == 0 {
			return
		}
		var patch Patch
		for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(there), 1, min(len(there), splicedFew+1), rapid.ID[Pointer]).Draw(t, "pointers") {
			if set := append(slices.Clone(patch.Set), Assignment{p, values(1).Draw(t, "new")}); CheckDisjoint(set, nil) == nil {
				patch.Set = set
			}
		}
		sortAssignments(patch.Set)
		want := v
		for _, a := range patch.Set {
			want = want.With(a.Path, a.Value)
		}
		if got := v.Apply(&patch); got != want {
			t.Fatalf("%+v gives %s, want %s", patch.Set, got, want)
		}
		if _, ok := v.spliced(&patch); ok != (len(patch.Set) <= splicedFew) {
			t.Fatalf("spliced: %v", ok)
		}
	})
	v := Value(`{"a":{"b":1},"a-b":2,"c":3}`)
	sorted := &Patch{Set: []Assignment{{"/a-b", `"x"`}, {"/a/b", `"yz"`}}} // otherwise than they stand
	if got, ok := v.spliced(sorted); !ok || got != `{"a":{"b":"yz"},"a-b":"x","c":3}` {
		t.Errorf("spliced to %s, %v", got, ok)
	}
	v.Apply(&Patch{Set: []Assignment{{"/a", "1"}, {"/a/b", "2"}}}) // not disjoint, and no panic
	if _, ok := v.spliced(&Patch{Set: []Assignment{{"/c", "1"}, {"/c", "2"}}}); ok {
		t.Error("one place is spliced twice")
	}
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestDiffLeadsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := objects(3).Draw(t, "from"), objects(3).Draw(t, "to")
		checkDiff(t, from, to)
	})
}

// fatal is what rapid and testing share.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkDiff(t fatal, from, to Value) {
	t.Helper()
	set, unset := Diff(from, to)
	checkSortedAndDisjoint(t, set, unset)
	if got := from.Apply(&Patch{Set: set, Unset: unset}); got != to {
		t.Fatalf("set %v unset %v of %s gives %s, want %s", set, unset, from, got, to)
	}
	for _, a := range set {
		if there, ok := from.Get(a.Path); ok && there == a.Value {
			t.Fatalf("%s is set to what it is", a.Path)
		}
	}
	for _, p := range unset {
		if _, ok := from.Get(p); !ok {
			t.Fatalf("%s is unset and not there", p)
		}
	}
}

func checkSortedAndDisjoint(t fatal, set []Assignment, unset []Pointer) {
	t.Helper()
	if err := CheckDisjoint(set, unset); err != nil {
		t.Fatalf("set %v unset %v: %v", set, unset, err)
	}
	if !slices.IsSorted(unset) || !slices.IsSortedFunc(set, func(a, b Assignment) int { return strings.Compare(string(a.Path), string(b.Path)) }) {
		t.Fatalf("set %v unset %v are not sorted", set, unset)
	}
}

// mergeByTheBook is RFC 7396, section 2, on decoded members.
func mergeByTheBook(target, patch Value) Value {
	if !patch.IsObject() {
		return patch
	}
	if !target.IsObject() {
		target = "{}"
	}
	for key, value := range patch.Members() {
		p := JoinPointer("", key)
		if value == "null" {
			target = target.Without(p)
			continue
		}
		there, _ := target.Get(p)
		target = target.With(p, mergeByTheBook(there, value))
	}
	return target
}

func TestE6_MergePatchIsWhatTheRFCSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkMerge(t, objects(3).Draw(t, "current"), objects(3).Draw(t, "patch"))
	})
}

func checkMerge(t fatal, current, patch Value) {
	t.Helper()
	want := mergeByTheBook(current, patch)
	set, unset := CompileMergePatch(current, patch)
	checkSortedAndDisjoint(t, set, unset)
	for _, a := range set {
		if !current.Reaches(a.Path) {
			t.Fatalf("%s does not reach into %s", a.Path, current)
		}
	}
	if got := current.Apply(&Patch{Set: set, Unset: unset}); got != want {
		t.Fatalf("set %v unset %v of %s gives %s, want %s", set, unset, current, got, want)
	}
	if got := MergePatch(current, patch); got != want {
		t.Fatalf("merged whole: got %s, want %s", got, want)
	}
}

// What lies deeper than a pointer may lead is changed with the value that holds it.
func TestD4_CompiledPointersStayParseable(t *testing.T) {
	nest := func(inner string) Value {
		return Value(strings.Repeat(`{"a":`, MaxDepth-1) + inner + strings.Repeat("}", MaxDepth-1))
	}
	from := nest(`{"b":1,"c":2}`)
	to := nest(`{"c":3,"d":4}`)
	checkDiff(t, from, to)
	checkMerge(t, from, nest(`{"b":null,"c":3,"d":4}`))
	checkMerge(t, from, nest(`{}`))
	checkMerge(t, "{}", nest(`{"b":null,"c":3}`))
	for _, set := range [][]Assignment{first(Diff(from, to)), first(CompileMergePatch(from, nest(`{"c":3}`)))} {
		for _, a := range set {
			if _, err := ParsePointer(string(a.Path)); err != nil {
				t.Error(err)
			}
		}
	}
}

func first(set []Assignment, _ []Pointer) []Assignment { return set }

func FuzzParseValue(f *testing.F) {
	for _, seed := range []string{
		`{"b":[1,{"c":null}],"a":"\u0041\ud83d\ude00"}`, `-0`, `1e400`, `"\ud800"`, `{"a":1,"a":2}`,
		"{\"a\":\"\xff\"}", `[[[[`, `{"__proto__":1}`, "\ufeff1", ` 1 2`, `{"\uE000":1,"\ud83d\ude00":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, refusal := ParseValue(data)
		if refusal != nil {
			if refusal.Code != CodeInvalidValue || refusal.Message == "" || len(refusal.Message) > 300 {
				t.Fatalf("refused with %#v", refusal)
			}
			return
		}
		checkCanonical(t, v)
		if v.Depth() > MaxDepth {
			t.Fatalf("stored at depth %d", v.Depth())
		}
		rebuilt := Value("{}")
		for key, value := range v.Members() {
			p := JoinPointer("", key)
			if _, err := ParsePointer(string(p)); err != nil {
				t.Fatal(err)
			}
			if got, ok := v.Get(p); !ok || got != value {
				t.Fatalf("at %q there is %s, want %s", p, got, value)
			}
			rebuilt = rebuilt.With(p, value)
		}
		if v.IsObject() && rebuilt != v {
			t.Fatalf("rebuilt as %s, want %s", rebuilt, v)
		}
	})
}

func FuzzPointer(f *testing.F) {
	f.Add(`{"a":{"b":1},"c":2}`, "/a/b", "/c", `{"x":[]}`)
	f.Add(`{}`, "/a~1b/~01", "/é/", `null`)
	f.Add(`{"":{"":1}}`, "/", "//", `1.0`)
	f.Fuzz(func(t *testing.T, text, set, unset, value string) {
		v, err := ParseValue([]byte(text))
		if err != nil || !v.IsObject() {
			return
		}
		w, err := ParseValue([]byte(value))
		if err != nil {
			return
		}
		p, err := ParsePointer(set)
		if err != nil {
			return
		}
		q, err := ParsePointer(unset)
		if err != nil || !v.Reaches(p) || p.Len()+w.Depth() > MaxDepth {
			return
		}
		patch := &Patch{Set: []Assignment{{p, w}}, Unset: []Pointer{q}}
		if CheckDisjoint(patch.Set, patch.Unset) != nil {
			return
		}
		got := v.Apply(patch)
		checkCanonical(t, got)
		if there, ok := got.Get(p); !ok || there != w {
			t.Fatalf("at %q there is %s, want %s", p, there, w)
		}
		if there, ok := got.Get(q); ok {
			t.Fatalf("at %q there is still %s", q, there)
		}
		if other := v.With(p, w).Without(q); other != got {
			t.Fatalf("one by one gives %s, want %s", other, got)
		}
		checkDiff(t, v, got)
		checkDiff(t, got, v)
	})
}

func FuzzMergePatch(f *testing.F) {
	f.Add(`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`)
	f.Add(`{"a":[1]}`, `{"a":{"b":{"c":null}}}`)
	f.Add(`{}`, `{"a":{"b":{}},"c":[null]}`)
	f.Fuzz(func(t *testing.T, text, patch string) {
		current, err := ParseValue([]byte(text))
		if err != nil || !current.IsObject() {
			return
		}
		p, err := ParseValue([]byte(patch))
		if err != nil || !p.IsObject() {
			return
		}
		checkMerge(t, current, p)
		checkDiff(t, current, p)
	})
}

// widget2KB is a widget of about 2 KB with a config of 40 members.
func widget2KB(b *testing.B) Value {
	var text strings.Builder
	text.WriteString(`{"type":"timeseries","title":"CPU","config":{`)
	for i := range 40 {
		fmt.Fprintf(&text, `"option%02d":{"label":"series %d","value":%d.5},`, i, i, i)
	}
	text.WriteString(`"unit":"%"}}`)
	v := mustValue(b, text.String())
	b.SetBytes(int64(len(v)))
	return v
}

func BenchmarkApplyOne(b *testing.B) {
	v := widget2KB(b)
	patch := &Patch{Set: []Assignment{{"/config/unit", `"ms"`}}}
	b.ReportAllocs()
	for b.Loop() {
		v.Apply(patch)
	}
}

func BenchmarkApplyThree(b *testing.B) {
	v := widget2KB(b)
	patch := &Patch{Set: []Assignment{{"/config/option20/value", "7"}, {"/title", `"Load"`}}, Unset: []Pointer{"/config/option07"}}
	b.ReportAllocs()
	for b.Loop() {
		v.Apply(patch)
	}
}

func BenchmarkWith(b *testing.B) {
	v := widget2KB(b)
	b.ReportAllocs()
	for b.Loop() {
		v.With("/config/unit", `"ms"`)
	}
}

func BenchmarkGet(b *testing.B) {
	v := widget2KB(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := v.Get("/config/unit"); !ok {
			b.Fatal("not there")
		}
	}
}

func BenchmarkEqualButForOneNumber(b *testing.B) {
	v := widget2KB(b)
	w := v.With("/config/option39/value", "39.50")
	b.ReportAllocs()
	for b.Loop() {
		if !v.Equal(w) {
			b.Fatal("not equal")
		}
	}
}

func BenchmarkParseValue(b *testing.B) {
	text := []byte(widget2KB(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseValue(text); err != nil {
			b.Fatal(err)
		}
	}
}
