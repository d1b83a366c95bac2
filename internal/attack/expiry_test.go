package attack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
)

// create makes a dashboard with one widget, cpu.
func (x *target) create(id, more string) {
	x.t.Helper()
	x.must(http.StatusCreated, "POST", "/api/dashboards",
		`{"id":"`+id+`","document":{"settings":{},"widgets":{"cpu":{"type":"stat","title":"CPU"`+more+`}},"layouts":{}}}`,
		bearer(token(x.t, "root", "*=owner")))
}

// sync follows a dashboard.
func (s *socket) sync(id string) *message {
	s.t.Helper()
	return s.ask("SYNC_REQUEST", `{"dashboardId":"`+id+`"}`)
}

// rename is the payload of an op that sets a widget's title.
func rename(dashboard, title string) string {
	return fmt.Sprintf(`{"dashboardId":%q,"widgetId":"cpu","set":{"/title":%q}}`, dashboard, title)
}

// TestAttack_48_TokenEndsWhileConnected: from the end of a token on no op of its session
// is taken, not even one that was on its way; what was taken before is answered.
func TestAttack_48_TokenEndsWhileConnected(t *testing.T) {
	x := attacked(t)
	x.create("ops", "")
	ends := time.Now().Truncate(time.Second).Add(10 * time.Second)
	s := x.signIn(mint(t, auth.Principal{UserID: "ana", Expires: ends, Grants: parse(t, []string{"ops=editor"})}), "tab")
	s.sync("ops").is(t, "SYNC_RESPONSE")
	taken, refused := 0, 0
	for i := 0; refused < 3; i++ {
		sent := time.Now()
		m := s.ask("WIDGET_UPDATE", rename("ops", fmt.Sprintf("title %d", i)))
		switch answered := time.Now(); {
		case m.Type == "ACK" && sent.Before(ends) && refused == 0:
			taken++
		case m.code() == "UNAUTHENTICATED" && !answered.Before(ends):
			refused++
		default:
			t.Fatalf("%s from the token's end: %s", answered.Sub(ends), m.raw)
		}
	}
	if taken == 0 {
		t.Error("nothing was taken before the end")
	}
	// The rest of the interface is closed as well: the leeway is for those who sign in.
	s.ask("WIDGET_BATCH", `{"dashboardId":"ops","operations":[{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title":"batch"}}]}`).nack(t, "a batch", "UNAUTHENTICATED")
	doc := x.must(http.StatusOK, "GET", "/api/dashboards/ops", "", bearer(token(t, "root", "*=owner"))).body
	if strings.Contains(doc, `"batch"`) || !strings.Contains(doc, fmt.Sprintf(`"title %d"`, taken-1)) {
		t.Errorf("the document after %d ops: %s", taken, doc)
	}
	// Another user's token does not take the session over.
	s.send(`{"type":"CONNECT","id":"again","payload":{"token":"` + token(t, "bo", "*=owner") + `"}}`)
	s.closed("a token of another user", 4401)
}

// lowering gives everybody the role that was last set.
type lowering struct {
	mu   sync.Mutex
	role auth.Role
}

func (l *lowering) Role(context.Context, auth.Principal, string) (auth.Role, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.role, nil
}

func (l *lowering) to(r auth.Role) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.role = r
}

// TestAttack_205_RoleTakenWhileConnected: who is made a viewer sends no op from that
// moment, and who loses a dashboard hears nothing of it any more once rights are read
// anew (P4); so for a stream.
func TestAttack_205_RoleTakenWhileConnected(t *testing.T) {
	roles := &lowering{role: auth.Owner}
	x := attacked(t, func(c *dashwire.Config) { c.Authorizer = roles })
	x.create("ops", "")
	s := x.signIn(token(t, "ana"), "tab")
	s.sync("ops").is(t, "SYNC_RESPONSE")
	s.ask("WIDGET_UPDATE", rename("ops", "one")).is(t, "ACK")

	roles.to(auth.Viewer)
	s.ask("WIDGET_UPDATE", rename("ops", "two")).nack(t, "an op of a viewer", "FORBIDDEN")
	s.ask("WIDGET_DATA", `{"dashboardId":"ops","widgetId":"cpu","data":1}`).nack(t, "a value of a viewer", "FORBIDDEN")
	x.call("DELETE", "/api/dashboards/ops", "", bearer(token(t, "ana"))).refused(t, "deleting", http.StatusForbidden, "FORBIDDEN")

	roles.to(auth.None)
	operator := bearer(mint(t, auth.Principal{UserID: "root", Admin: true, Expires: time.Now().Add(time.Hour)}))
	x.must(http.StatusOK, "POST", "/api/admin/rights", `{}`, operator)
	s.until("closed", func(m *message) bool { return m.Type == "SYNC_UPDATE" && strings.Contains(m.raw, `"forbidden"`) })
	roles.to(auth.Owner)
	x.must(http.StatusOK, "PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"unheard"}`, bearer(token(t, "bo")))
	roles.to(auth.None)
	s.sync("ops").nack(t, "following again", "NOT_FOUND")
	s.n++
	s.send(`{"type":"PING","id":"last"}`)
	for {
		m, err := s.read()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(m.raw, "unheard") {
			t.Errorf("heard after the right was gone: %s", m.raw)
		}
		if m.CorrelationID == "last" {
			return
		}
	}
}
