package attack

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// retitle is an op with an id of its own.
func retitle(id, title string) string {
	return fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":"arena","widgetId":"w","set":{"/title":%q}}}`, id, title)
}

// version is that of the arena.
func (s *socket) version() uint64 {
	s.t.Helper()
	s.wait()
	return s.ask("SYNC_REQUEST", `{"dashboardId":"arena"}`).is(s.t, "SYNC_RESPONSE").fields().Version
}

// TestAttack_37_TheSameOpAThousandTimes: sent again, on several sockets at once, over
// REST, after a kill and a restart, an op has one effect and one version (M8).
func TestAttack_37_TheSameOpAThousandTimes(t *testing.T) {
	x := besieged(t)
	first := x.arena()
	x.fresh(first)
	const sockets, times = 4, 250
	who := token(t, "mallory", "arena*=owner")
	all := make([]*socket, sockets)
	for i := range all {
		all[i] = x.signIn(who, fmt.Sprint("c", i))
	}
	var sending sync.WaitGroup
	for _, s := range all {
		sending.Go(func() {
			for range times {
				s.raw(masked(fin|opText, []byte(retitle("again", "once"))))
			}
		})
	}
	for _, s := range all {
		for range times {
			s.wait()
			m, err := s.read()
			if err != nil || m.Type != "ACK" || m.fields().Version != 2 {
				t.Fatalf("one of many was answered %v %v", m, err)
			}
		}
	}
	sending.Wait()
	for range 3 {
		a := x.call("PATCH", "/api/dashboards/arena/widgets/w", `{"title":"once"}`, bearer(who), "Idempotency-Key: again-rest")
		if a.status != http.StatusOK || !strings.Contains(a.body, `"version":2`) && !strings.Contains(a.body, `"version":3`) {
			t.Errorf("over REST: %d %s", a.status, a.body)
		}
	}
	if v := first.version(); v != 2 {
		t.Errorf("the version is %d, want 2", v)
	}
}

// TestAttack_37_TheSameOpAfterAKill is the same over restarts and a snapshot.
func TestAttack_37_TheSameOpAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	who := token(t, "mallory", "arena*=owner")
	const edits = 1200 // there is a snapshot every thousand
	for round := range 3 {
		p := run(t, dir, "--no-demo", "--drain", "0s")
		x := &target{t: t, URL: p.url, addr: p.addr}
		s := x.signIn(who, "c")
		s.send(`{"type":"WIDGET_UPDATE","id":"create","payload":{"dashboardId":"arena","widgetId":"w","create":true}}`)
		if m := s.reply("create"); m.Type != "ACK" || m.fields().Version != 1 {
			t.Fatalf("round %d, the first op: %s", round, m.raw)
		}
		go func() {
			for i := range edits {
				s.raw(masked(fin|opText, []byte(retitle(fmt.Sprint("op-", i), fmt.Sprint(i)))))
			}
		}()
		for i := range uint64(edits) {
			if m := s.reply(fmt.Sprint("op-", i)); m.Type != "ACK" || m.fields().Version != i+2 {
				t.Fatalf("round %d, edit %d: %s", round, i, m.raw)
			}
		}
		if v := s.version(); v != edits+1 {
			t.Errorf("round %d: the version is %d, want %d", round, v, edits+1)
		}
		p.end(syscall.SIGKILL)
	}
}

// TestAttack_38_TheSameIDForAnotherOp: the first one stays; to another user the id is
// another one.
func TestAttack_38_TheSameIDForAnotherOp(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	s.send(retitle("taken", "first"))
	s.reply("taken").is(t, "ACK")
	for _, other := range []string{
		retitle("taken", "second"),
		`{"type":"WIDGET_DELETE","id":"taken","payload":{"dashboardId":"arena","widgetId":"w"}}`,
		`{"type":"DASHBOARD_UPDATE","id":"taken","payload":{"dashboardId":"arena","set":{"/title":"first"}}}`,
		`{"type":"WIDGET_UPDATE","id":"taken","payload":{"dashboardId":"arena","widgetId":"w","set":{"/title":"first"},"policy":"overwrite"}}`,
	} {
		s.send(other)
		s.reply("taken").nack(t, other, "ID_REUSED")
		x.refuses("ID_REUSED", 1)
	}
	// Neither the time nor another order of keys makes it another op.
	s.send(`{"age":5,"payload":{"set":{"/title":"first"},"widgetId":"w","dashboardId":"arena"},"timestamp":"2001-01-01T00:00:00Z","id":"taken","type":"WIDGET_UPDATE"}`)
	if m := s.reply("taken"); m.Type != "ACK" || m.fields().Version != 2 || m.fields().InStream {
		t.Errorf("the same in another order: %s", m.raw)
	}
	a := x.call("PATCH", "/api/dashboards/arena/widgets/w", `{"title":"third"}`, bearer(token(t, "mallory", "arena*=owner")), "Idempotency-Key: taken")
	a.refused(t, "over REST", http.StatusConflict, "ID_REUSED")

	trudy := x.signIn(token(t, "trudy", "arena*=owner"), "c")
	trudy.send(retitle("taken", "second"))
	if m := trudy.reply("taken"); m.Type != "ACK" || m.fields().Version != 3 {
		t.Errorf("another user's: %s", m.raw)
	}
	if !strings.Contains(x.document(), `"title":"second"`) {
		t.Errorf("the document is %s", x.document())
	}
}

// TestAttack_39_OpIDs: an id is checked like any other, and nobody can find out by theirs
// which ids others have used.
func TestAttack_39_OpIDs(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for name, id := range map[string]string{
		"empty": "", "129 characters": strings.Repeat("a", 129), "half a megabyte": strings.Repeat(poison, 1<<19/len(poison)), "a space": "a b",
		"dots": "..", "a prototype": "__proto__", "a line break": `a\nb`, "an escape": `\u001b[31m`, "not ASCII": "ä", "a slash": "../../x", "NUL": `\u0000`,
	} {
		s.try(`{"type":"WIDGET_UPDATE","id":"`+id+`","payload":{"dashboardId":"arena","widgetId":"w","set":{"/a":1}}}`).nack(t, name, "INVALID_ID")
		x.refuses("INVALID_ID", 1)
		s.lives()
	}
	// The honest user's ids, guessed: on a dashboard that may not be seen, and on one's own.
	for _, id := range []string{"honest-0", "honest-1", "honest-999999"} {
		s.send(`{"type":"WIDGET_UPDATE","id":"` + id + `","payload":{"dashboardId":"honest","widgetId":"w","set":{"/config/n":1}}}`)
		s.reply(id).nack(t, id, "NOT_FOUND")
		x.refuses("NOT_FOUND", 1)
	}
	for i, id := range []string{"honest-0", "honest-999999"} {
		s.send(retitle(id, id))
		if m := s.reply(id); m.Type != "ACK" || m.fields().Version != uint64(i+2) {
			t.Errorf("%s is not my own: %s", id, m.raw)
		}
	}
	// The client of an op does not make it another user's.
	s.send(`{"type":"WIDGET_UPDATE","id":"honest-1","payload":{"dashboardId":"honest","widgetId":"w","clientId":"editor","set":{"/config/n":1}}}`)
	s.reply("honest-1").nack(t, "with the client of another user", "NOT_FOUND")
}

// TestAttack_40_BaseVersions: what does not exist yet is no base, and nothing is decided on
// a number that is none.
func TestAttack_40_BaseVersions(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	for _, base := range []string{"2", "1000000", "9007199254740991", "9007199254740992", "18446744073709551616", "-1", "0.5", "1.0", "1e0", `"1"`, "[]", "true"} {
		s.try(update(`"baseVersion":`+base+`,"set":{"/title":"x"}`)).nack(t, base, "BAD_VERSION")
		s.try(op("LAYOUT_UPDATE", `"baseVersion":`+base+`,"moved":{"w":{"x":1}}`)).nack(t, base, "BAD_VERSION")
		x.refuses("BAD_VERSION", 2)
	}
	s.try(op("LAYOUT_RESTORE", `"toVersion":99`)).nack(t, "restoring what is not there", "BAD_VERSION")
	for what, m := range map[string]*message{
		"an epoch that is none":    s.try(update(`"baseVersion":1,"epoch":"` + strings.Repeat("e", 129) + `","set":{"/title":"x"}`)),
		"an epoch of another kind": s.try(update(`"baseVersion":1,"epoch":{},"set":{"/title":"x"}`)),
	} {
		m.nack(t, what, "BAD_VERSION")
	}
	// Of another epoch, an op is decided by the values (M12): it clashes.
	if m := s.try(update(`"baseVersion":0,"epoch":"another","set":{"/config/text":"stale"}`)); m.Type != "CONFLICT_DETECTED" {
		t.Errorf("a base in another epoch: %s", m.raw)
	}
	if m := s.try(update(`"baseVersion":1,"set":{"/title":"x"}`)); m.Type != "ACK" || m.fields().Version != 2 {
		t.Errorf("a good base: %s", m.raw)
	}
}
