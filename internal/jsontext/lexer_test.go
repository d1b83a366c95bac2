package jsontext

import (
	"bytes"
	"testing"
)

func TestPlainToStopsAtTheFirstOtherByte(t *testing.T) {
	for b := range 256 {
		other := b < ' ' || b == '"' || b == '\\' || b >= 0x80
		for length := range 20 {
			for at := range length {
				// Behind it stands what a subtraction could be taken in by.
				text := append(bytes.Repeat([]byte{'!'}, at), byte(b))
				text = append(text, bytes.Repeat([]byte("#] \x7f"), 5)[:length-at-1]...)
				want := length
				if other {
					want = at
				}
				if got := plainTo(text, 0); got != want {
					t.Fatalf("%q: got %d, want %d", text, got, want)
				}
			}
		}
	}
}

func TestD6_KeysThatBeginAlike(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"abcdefghi":1,"abcdefgh":2,"abcdefg":3,"":4}`, `{"":4,"abcdefg":3,"abcdefgh":2,"abcdefghi":1}`},
		{`{"abcdefghij":1,"abcdefghé":2,"abcdefgh!":3}`, `{"abcdefgh!":3,"abcdefghij":1,"abcdefghé":2}`},
		{`{"b":1,"\u0061":2,"!":3,"":4,"~":5,"é":6}`, `{"":4,"!":3,"a":2,"b":1,"~":5,"é":6}`},
		{`{"abcdefgh":1,"b":2,"abcdefgh":3}`, ""},
		{`{"abcdefghi":1,"b":2,"abcdefghi":3}`, ""},
		{`{"a":1,"b":2,"\u0061":3}`, ""},
	} {
		got, err := CanonicalText([]byte(c.in))
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: got %s, %v", c.in, got, err)
		}
	}
}
