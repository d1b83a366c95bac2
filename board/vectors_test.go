package board

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// readVectors decodes a file of vectors that every implementation shares.
func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// mustValue parses a value that a test knows to be good.
func mustValue(t testing.TB, text string) Value {
	t.Helper()
	v, err := ParseValue([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// patchVector is set and unset as they stand in vectors.
type patchVector struct {
	Set   map[Pointer]json.RawMessage
	Unset []Pointer
}

func (p patchVector) assignments(t testing.TB) []Assignment {
	t.Helper()
	var set []Assignment
	for path, raw := range p.Set {
		set = append(set, Assignment{Path: path, Value: mustValue(t, string(raw))})
	}
	slices.SortFunc(set, func(a, b Assignment) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return set
}

type valueVectors struct {
	Canonical []struct{ Description, Text, Canonical string }
	Refused   []struct{ Description, Text, Path string }
	Equality  []struct {
		Description string
		Texts       []string
		Equal       bool
	}
	Pointers []struct {
		Description, Pointer string
		Tokens               []string
		Code                 Code
		Path                 string
	}
	Disjoint []struct {
		Description string
		Set, Unset  []Pointer
		Disjoint    bool
		Path        string
	}
	Patch []struct {
		Description string
		patchVector
		Value, Result json.RawMessage
	}
	Reach []struct {
		Description string
		Value       json.RawMessage
		Pointer     Pointer
		Reaches     bool
	}
	MergePatch []struct {
		Description string
		patchVector
		Value, Patch, Result json.RawMessage
	}
	Diff []struct {
		Description string
		patchVector
		From, To json.RawMessage
	}
	IDs []struct {
		Description, ID string
		Valid           bool
	}
}
