package dashwire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// byRole signs people in as what their token names: owner, editor …
type byRole struct{}

func (byRole) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	role, ok := auth.ParseRole(c.Token)
	if !ok {
		return auth.Principal{}, auth.ErrUnauthenticated
	}
	return auth.Principal{UserID: c.Token, Grants: []auth.Grant{{Pattern: "*", Role: role}}}, nil
}

// TestP1_AnOwnerLimitsADashboard: over REST and WebSocket, and after a restart.
func TestP1_AnOwnerLimitsADashboard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "boards.db")
	session := func(t *testing.T, f func(l *limited, call func(as, method, path, body string) (int, map[string]any))) {
		j, err := sqlitejournal.Open(file, sqlitejournal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
		_, web := serve(t, dashwire.Config{Journal: j, Authenticator: byRole{}})
		f(&limited{t: t, addr: web.Listener.Addr().String()}, func(as, method, path, body string) (int, map[string]any) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, web.URL+"/api/dashboards"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+as)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			var answer map[string]any
			if err := json.Unmarshal(text, &answer); err != nil {
				t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
			}
			return res.StatusCode, answer
		})
	}
	t.Run("set", func(t *testing.T) {
		session(t, func(l *limited, call func(as, method, path, body string) (int, map[string]any)) {
			want := func(status int, code, as, method, path, body string) {
				t.Helper()
				got, answer := call(as, method, path, body)
				if got != status || code != "" && answer["code"] != code {
					t.Errorf("%s by %s: %d %v, want %d %s", path, as, got, answer, status, code)
				}
			}
			want(201, "", "editor", "POST", "", `{"id":"ops"}`)
			want(200, "", "editor", "PUT", "/ops/widgets/a", `{"title":"a"}`)
			want(403, "FORBIDDEN", "editor", "PATCH", "/ops/settings", `{"limits":{"widgets":2}}`)
			want(400, "INVALID_VALUE", "owner", "PATCH", "/ops/settings", `{"limits":{"widgets":2001}}`)
			want(200, "", "owner", "PATCH", "/ops/settings", `{"limits":{"widgets":2}}`)
			want(200, "", "editor", "PATCH", "/ops/settings", `{"title":"Ops"}`)
			want(200, "", "editor", "PUT", "/ops/widgets/b", `{"title":"b"}`)
			want(409, "LIMIT_EXCEEDED", "owner", "PUT", "/ops/widgets/c", `{"title":"c"}`)
			// Who makes a dashboard with limits sets them; a copy has none.
			want(403, "FORBIDDEN", "editor", "POST", "", `{"id":"other","document":{"settings":{"limits":{"widgets":1}}}}`)
			want(201, "", "owner", "POST", "", `{"id":"other","document":{"settings":{"limits":{"widgets":1}}}}`)
			want(201, "", "editor", "POST", "/ops/duplicate", `{"id":"copy"}`)
			want(200, "", "editor", "PUT", "/copy/widgets/c", `{"title":"c"}`)
		})
	})
	t.Run("after a restart", func(t *testing.T) {
		session(t, func(l *limited, _ func(as, method, path, body string) (int, map[string]any)) {
			op := func(s *socket, id, payload string) map[string]any {
				s.send(`{"type":"WIDGET_BATCH","id":%q,"payload":{"dashboardId":"ops","operations":[%s]}}`, id, payload)
				for {
					m, code := s.next()
					if code != 0 {
						t.Fatalf("closed with %d", code)
					}
					if m["correlationId"] == id {
						return m
					}
				}
			}
			add := `{"type":"WIDGET_UPDATE","widgetId":"c","create":true}`
			lift := `{"type":"DASHBOARD_UPDATE","unset":["/limits/widgets"]}`
			editor, owner := l.admitted("192.0.2.1", "editor"), l.admitted("192.0.2.1", "owner")
			code := func(m map[string]any) string { return fmt.Sprint(m["payload"].(map[string]any)["code"]) }
			if m := op(editor, "1", add); code(m) != "BATCH_REFUSED" || !strings.Contains(fmt.Sprint(m), "LIMIT_EXCEEDED") {
				t.Errorf("one more widget: %v", m)
			}
			if m := op(editor, "2", lift+","+add); code(m) != "FORBIDDEN" {
				t.Errorf("an editor lifts the limit: %v", m)
			}
			if m := op(owner, "3", lift+","+add); m["type"] != "ACK" {
				t.Errorf("an owner lifts the limit: %v", m)
			}
		})
	})
}
