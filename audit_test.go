package dashwire_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/observe"
)

// nobody is an Authenticator that lets one token in.
type nobody struct{}

func (nobody) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	if c.Token == "op" {
		return auth.Principal{UserID: "op", Admin: true, TokenID: "t-1"}, nil
	}
	return auth.Principal{}, fmt.Errorf("%w: %s is wrong", auth.ErrUnauthenticated, c.Token)
}

// TestH4_WhatIsNotInTheLogsIsToldAndKept: an app's own calls, requests of operators and
// bad credentials, to the hook and to the file.
func TestH4_WhatIsNotInTheLogsIsToldAndKept(t *testing.T) {
	l, err := audit.Open(filepath.Join(t.TempDir(), "a.jsonl"), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	var mu sync.Mutex
	var heard []string
	srv, web := serve(t, dashwire.Config{
		Authenticator: nobody{}, Audit: l,
		Hooks: observe.Hooks{Action: func(a observe.Action) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, a.Name+" "+a.UserID+" "+a.Via)
		}},
	})
	ask := func(method, path, token, body string, status int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s %s: %s", method, path, res.Status)
		}
	}
	if _, err := srv.RevokeUser("ana"); err != nil {
		t.Fatal(err)
	}
	ask("POST", "/api/admin/rights", "op", "{}", 200)
	for range 3 {
		ask("GET", "/api/dashboards", "s3cret", "", 401)
	}
	mu.Lock()
	got := strings.Join(heard, "; ")
	mu.Unlock()
	if want := "tokens.revoked  ; rights.reread op token:t-1; sign-in.refused  ; sign-in.refused  ; sign-in.refused  "; got != want {
		t.Errorf("the hook heard %q, want %q", got, want)
	}
	l.Close() // writes what was counted
	p, err := l.Read(t.Context(), audit.Query{})
	if err != nil || len(p.Lines) != 4 {
		t.Fatalf("%+v, %v", p.Lines, err)
	}
	total := 0
	for _, line := range p.Lines[:2] {
		total += line.Count
		if line.Name != "sign-in.refused" || strings.Contains(fmt.Sprint(line), "s3cret") {
			t.Errorf("a line is %+v", line)
		}
	}
	if first := p.Lines[3]; total != 3 || first.Details["user"] != "ana" || first.Details["by"] != "the app" || p.Lines[2].Via != "token:t-1" {
		t.Errorf("the lines are %+v", p.Lines)
	}
	if _, err := srv.RevokeToken("t-9"); err == nil {
		t.Error("a revocation that cannot be written down gives no error")
	}
}
