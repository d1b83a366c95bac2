package attack

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
)

// TestAttack_210_ForwardedHeadersOfStrangers: who is no trusted proxy says nothing about
// where a request comes from or was sent to; of what a trusted one passes on, only the
// last address that is not a proxy's counts.
func TestAttack_210_ForwardedHeadersOfStrangers(t *testing.T) {
	spoofed := []string{
		"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.7",
		"Forwarded: for=203.0.113.7;host=evil.example;proto=https", "X-Real-IP: 203.0.113.7",
	}
	x := attacked(t)
	who := bearer(token(t, "ana", "*=owner"))
	discovery := x.must(http.StatusOK, "GET", "/api/realtime", "", append(spoofed, who)...).body
	if strings.Contains(discovery, "evil") || strings.Contains(discovery, "wss:") || !strings.Contains(discovery, x.addr) {
		t.Errorf("of a stranger: %s", discovery)
	}
	x.call("POST", "/api/dashboards", `{}`, append(spoofed, who, "Origin: https://evil.example", "Content-Type: application/json")...).
		refused(t, "an origin that is the host of a stranger's header", http.StatusForbidden, "FORBIDDEN")
	x.call("GET", "/api/dashboards", "", append(spoofed, bearer("x.y.z"))...).refused(t, "a bad token", http.StatusUnauthorized, "UNAUTHENTICATED")
	if log := x.log.String(); strings.Contains(log, "203.0.113.7") || !strings.Contains(log, "127.0.0.1") {
		t.Errorf("the log believes a stranger: %s", log)
	}

	y := attacked(t, func(c *dashwire.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for _, hops := range []string{"203.0.113.7, 198.51.100.9", "203.0.113.7, 198.51.100.9, 127.0.0.5", "garbage, 198.51.100.9", "127.0.0.1, 198.51.100.9:4711"} {
		before := len(y.log.String())
		y.call("GET", "/api/dashboards", "", "X-Forwarded-For: "+hops, bearer("x.y.z")).refused(t, "a bad token", http.StatusUnauthorized, "UNAUTHENTICATED")
		if line := y.log.String()[before:]; !strings.Contains(line, `"198.51.100.9"`) || strings.Contains(line, "203.0.113.7") {
			t.Errorf("through a proxy with %q: %s", hops, line)
		}
	}
}

// TestAttack_211_InTheNameOfAnothersClient: a client is of one user (C6), so its id helps
// nobody else to end its session, to speak for it or to be taken for it in a clash.
func TestAttack_211_InTheNameOfAnothersClient(t *testing.T) {
	x := attacked(t)
	x.create("ops", "")
	ana := x.signIn(token(t, "ana", "ops=editor"), "tab-1")
	ana.sync("ops").is(t, "SYNC_RESPONSE")
	bo := x.signIn(token(t, "bo", "ops=editor"), "tab-1")
	bo.ask("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","clientId":"tab-1","set":{"/note":"bo"}}`).is(t, "ACK")
	entry := ana.until("bo's entry", func(m *message) bool { return m.Type == "WIDGET_UPDATE" })
	if !strings.Contains(entry.raw, `"author":{"userId":"bo","clientId":"tab-1"}`) {
		t.Errorf("bo's op: %s", entry.raw)
	}
	// Its own client does not clash with itself; bo's of the same name does.
	ana.ask("WIDGET_UPDATE", rename("ops", "ana")).is(t, "ACK")
	bo.ask("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","baseVersion":1,"policy":"reject","set":{"/title":"bo"}}`).nack(t, "bo, as ana's client", "CONFLICT")
	ana.ask("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","baseVersion":1,"policy":"reject","set":{"/title":"again"}}`).is(t, "ACK")
	ana.ask("PING", `{}`).is(t, "PONG")
	// The same op id of two users are two ops (M8).
	for _, s := range []*socket{ana, bo} {
		s.send(`{"type":"WIDGET_UPDATE","id":"same","payload":{"dashboardId":"ops","widgetId":"cpu","policy":"overwrite","set":{"/by":"` + fmt.Sprint(s == ana) + `"}}}`)
		s.until("the answer", func(m *message) bool { return m.CorrelationID == "same" }).is(t, "ACK")
	}
}

// TestAttack_212_PatternsThatReachTooFar: a grant reaches the ids that it names, letter
// by letter, and a * is one only at its end; anything else makes no token.
func TestAttack_212_PatternsThatReachTooFar(t *testing.T) {
	x := attacked(t)
	for _, id := range []string{"team", "team-", "team-1", "team-1-x", "teamwork", "Team-1", "team_1", "team-.", "xteam-1"} {
		x.create(id, "")
	}
	for pattern, want := range map[string]string{
		"team-*":   "team-,team-.,team-1,team-1-x",
		"team":     "team",
		"team-1":   "team-1",
		"Team-*":   "Team-1",
		"team-.":   "team-.",
		"team-1-*": "team-1-x",
		"*":        "Team-1,team,team-,team-.,team-1,team-1-x,team_1,teamwork,xteam-1",
	} {
		who := bearer(token(t, "ana", pattern+"=viewer"))
		var seen []string
		for _, id := range []string{"Team-1", "team", "team-", "team-.", "team-1", "team-1-x", "team_1", "teamwork", "xteam-1"} {
			if x.call("GET", "/api/dashboards/"+id, "", who).status == http.StatusOK {
				seen = append(seen, id)
			}
		}
		if got := strings.Join(seen, ","); got != want {
			t.Errorf("%s reaches %s, want %s", pattern, got, want)
		}
	}
	for _, pattern := range []string{"", "t*m", "*-1", "**", "team-**", "team-%", "team-1/../x", "te?m", "[a-z]*", "team-*|*", "__proto__", ".", "team 1", "téam"} {
		x.keptOut("the pattern "+pattern, forge(`{"alg":"HS256"}`, fmt.Sprintf(`{"sub":"mallory","dashwire":{"dashboards":{%q:"owner"}},"exp":%d}`, pattern, time.Now().Add(time.Hour).Unix()), bySecret(secret)))
	}
}
