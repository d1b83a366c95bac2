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
			if got := auth.SignedIn(c.as).Via(); got != c.want {
				t.Errorf("once signed in, Via() is %q, want %q", got, c.want)
			}
		})
	}
}

func TestAuthorizeNotesTheCredentials(t *testing.T) {
	op := &board.Op{Type: board.TypeUpdate, DashboardID: "ops"}
	byToken := auth.Principal{UserID: "ana", TokenID: "b7c1", Grants: []auth.Grant{{Pattern: "ops", Role: auth.Editor}}}
	byKey := *auth.SignedIn(byToken) // a copy that is given other credentials
	byKey.KeyID = "cron-1"
	nameless := byToken
	nameless.TokenID = ""
	for _, c := range []struct {
		as   *auth.Principal
		want string
	}{
		{&byToken, "token:b7c1"}, {auth.SignedIn(byToken), "token:b7c1"}, {auth.SignedIn(byKey), "key:cron-1"}, {&nameless, ""},
	} {
		a, err := auth.Authorize(t.Context(), auth.Grants{}, c.as, op)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Op().Via; got != c.want {
			t.Errorf("the authorized op came through %q, want %q", got, c.want)
		}
	}
}

func TestP1_PatternsAreIDsOrPrefixes(t *testing.T) {
	for _, c := range []struct {
		pattern, id string
		want        bool
	}{
		{"ops", "ops", true},
		{"ops", "ops2", false},
		{"ops", "op", false},
		{"ops*", "ops", true},
		{"ops*", "ops-1", true},
		{"ops*", "op", false},
		{"*", "ops", true},
		{"*", "", true},
		{"", "", true},
		{"", "ops", false},
		{"o*s", "ops", false},
		{"o*s*", "ops", false},
		{"o*s*", "o*s1", true},
		{"Ops", "ops", false},
	} {
		p := auth.Principal{Grants: []auth.Grant{{Pattern: c.pattern, Role: auth.Viewer}}}
		if got := p.RoleOn(c.id) == auth.Viewer; got != c.want {
			t.Errorf("%q reaches %q: %t, want %t", c.pattern, c.id, got, c.want)
		}
	}
}
