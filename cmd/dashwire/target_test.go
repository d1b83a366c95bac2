package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestTarget_ItsTextMovesNoTerminal: what a server says, or who is in its place, comes to
// the screen as text.
func TestTarget_ItsTextMovesNoTerminal(t *testing.T) {
	const evil = `a\u001b]0;b\u0007\u009b31m\u202e\u061c\nc`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/dashboards/import":
			_, _ = w.Write([]byte(`{"id":"` + evil + `","title":"` + evil + `","notes":["` + evil + `"]}`))
		case "/api/admin/webhooks":
			_, _ = w.Write([]byte(`{"targets":[{"name":"` + evil + `","host":"` + evil + `","status":"` + evil + `","lastFailure":{"error":"` + evil + `"}}]}`))
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"status":403,"code":"` + evil + `","detail":"` + evil + `","path":"` + evil + `"}`))
		}
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ops.json"), `{"widgets":{}}`)
	for _, c := range []struct {
		name  string
		args  []string
		lines int
	}{
		{"notes of an import", []string{"import", "ops.json"}, 2},
		{"a refusal", []string{"export", "ops"}, 1},
		{"a table", []string{"webhooks"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := dash(t, dir, append(c.args, "--server", s.URL)...)
			text := r.out + r.err
			if strings.ContainsAny(text, "\x1b\a\u009b\u202e\u061c") {
				t.Errorf("it acts on a terminal: %q", text)
			}
			if !strings.Contains(text, "31m") || strings.Count(text, "\n") != c.lines {
				t.Errorf("not %d lines with what was said: %q", c.lines, text)
			}
		})
	}
}
