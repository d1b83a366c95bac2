package board

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestE6_PointerVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Pointers {
		t.Run(v.Description, func(t *testing.T) {
			p, err := ParsePointer(v.Pointer)
			if v.Code != "" {
				if err == nil {
					t.Fatalf("got %q, want %s", p, v.Code)
				}
				if err.Code != v.Code || err.Path != v.Path || err.Message == "" {
					t.Errorf("got %s %q at %q, want %s at %q", err.Code, err.Message, err.Path, v.Code, v.Path)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tokens := slices.Collect(p.Tokens())
			if !slices.Equal(tokens, v.Tokens) || p.Len() != len(v.Tokens) {
				t.Errorf("got %d tokens %q, want %q", p.Len(), tokens, v.Tokens)
			}
			var joined Pointer
			for _, token := range v.Tokens {
				if joined.Contains(p) == (joined == "" && p == "") {
					t.Errorf("%q does not contain %q", joined, p)
				}
				parent := joined
				if joined = JoinPointer(joined, token); joined.Parent() != parent {
					t.Errorf("the parent of %q is %q", joined, joined.Parent())
				}
			}
			if joined != p {
				t.Errorf("joined %q, want %q", joined, p)
			}
		})
	}
}

func TestD4_KeysInPointers(t *testing.T) {
	tests := []struct {
		name, pointer, path string
		code                Code
	}{
		{"256 bytes", "/a/" + strings.Repeat("é", 128), "", ""},
		{"257 bytes", "/a/" + strings.Repeat("k", 257) + "/b", "/a", CodeInvalidValue},
		{"256 bytes, escaped to more", "/" + strings.Repeat("~0", 256), "", ""},
		{"invalid UTF-8", "/a\xff", "", CodeInvalidValue},
		{"a megabyte of slashes", strings.Repeat("/", 1<<20), "", CodeInvalidValue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParsePointer(tt.pointer)
			switch {
			case tt.code == "" && err != nil:
				t.Error(err)
			case tt.code != "" && (err == nil || err.Code != tt.code || err.Path != tt.path):
				t.Errorf("got %v, want %s at %q", err, tt.code, tt.path)
			}
		})
	}
}

func TestPointerContains(t *testing.T) {
	tests := []struct {
		name string
		p, q Pointer
		want bool
	}{
		{"itself", "/a/b", "/a/b", true},
		{"under it", "/a", "/a/b", true},
		{"above it", "/a/b", "/a", false},
		{"a common beginning", "/a", "/ab", false},
		{"a brother between", "/a", "/a-b", false},
		{"the root contains all", "", "/a", true},
		{"the root contains itself", "", "", true},
		{"nothing contains the root", "/a", "", false},
		{"the empty key", "/", "//a", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.p.Contains(tt.q); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestE6_DisjointVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.Disjoint {
		t.Run(v.Description, func(t *testing.T) {
			var set []Assignment
			for _, p := range v.Set {
				set = append(set, Assignment{Path: p, Value: "1"})
			}
			err := CheckDisjoint(set, v.Unset)
			if v.Disjoint {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || err.Code != CodePath || err.Path != v.Path {
				t.Errorf("got %v, want %s at %q", err, CodePath, v.Path)
			}
		})
	}
}

// pointers draws short pointers that often meet.
func pointers() *rapid.Generator[Pointer] {
	return rapid.Custom(func(t *rapid.T) Pointer {
		var p Pointer
		for _, token := range rapid.SliceOfN(keys(), 1, 4).Draw(t, "tokens") {
			p = JoinPointer(p, token)
		}
		return p
	})
}

func TestE6_DisjointIsWhatPairsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(pointers(), 0, 6).Draw(t, "pointers")
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		var set []Assignment
		for _, p := range all[:cut] {
			set = append(set, Assignment{Path: p, Value: "1"})
		}
		want := true
		for i, p := range all {
			for j, q := range all {
				want = want && (i == j || !p.Contains(q))
			}
		}
		if got := CheckDisjoint(set, all[cut:]) == nil; got != want {
			t.Fatalf("disjoint %t, want %t", got, want)
		}
	})
}
