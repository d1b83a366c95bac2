package auth_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

func TestPrincipalVia(t *testing.T) {
	long := strings.Repeat("x", 255) + "é"
	for _, c := range []struct {
		name string
		as   auth.Principal
		want string
	}{
		{"no name", auth.Principal{UserID: "ana"}, ""},
		{"a token", auth.Principal{TokenID: "b7c1"}, "token:b7c1"},
		{"a key", auth.Principal{KeyID: "cron-1", TokenID: "b7c1"}, "key:cron-1"},
		{"no UTF-8", auth.Principal{TokenID: "a\xff"}, "token:a\uFFFD"},
		{"cut in the middle of a character", auth.Principal{TokenID: long}, "token:" + strings.Repeat("x", 255) + "\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.as.Via(); got != c.want || !utf8.ValidString(got) {
				t.Errorf("Via() is %q, want %q", got, c.want)
			}
		})
	}
}

// The op that was handed in belongs to its maker, who may hand it in again.
func TestAuthorizeNotesTheCredentials(t *testing.T) {
	op := &board.Op{Type: board.TypeUpdate, DashboardID: "ops"}
	p := auth.Principal{UserID: "ana", TokenID: "b7c1", Grants: []auth.Grant{{Pattern: "ops", Role: auth.Editor}}}
	a, err := auth.Authorize(t.Context(), auth.Grants{}, p, op)
	if err != nil {
		t.Fatal(err)
	}
	if a.Op().Via != "token:b7c1" {
		t.Errorf("the authorized op came through %q", a.Op().Via)
	}
	if op.Via != "" {
		t.Errorf("the op that was handed in was written to: %q", op.Via)
	}
}
