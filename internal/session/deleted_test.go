package session

import (
	"strings"
	"testing"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// deleteDashboard commits the last entry (R9).
func (n *node) deleteDashboard(id, opID string) room.Answer {
	n.t.Helper()
	return <-n.submitOp("ana", "admin", &board.Op{Type: board.TypeDashboardDelete, ID: opID, DashboardID: id, Hash: [16]byte{1}})
}

func TestR6_UnknownDashboards(t *testing.T) {
	viewer := &auth.Principal{UserID: "vi", Grants: []auth.Grant{{Pattern: "*", Role: auth.Viewer}}}
	stranger := &auth.Principal{UserID: "st", Grants: []auth.Grant{{Pattern: "other", Role: auth.Owner}}}
	bubble(t, options{}, func(t *testing.T, n *node) {
		v, s, e := n.open(viewer), n.open(stranger), n.join("e")
		v.take()
		s.take()
		const ask = `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`
		v.send(ask)
		v.refused("s", "NOT_FOUND")
		m := e.follow("ops")
		if m.str("mode") != "snapshot" || m.str("version") != "0" || m.str("epoch") != "" || m.str("role") != "owner" ||
			m.str("document", "widgets") != "map[]" {
			t.Errorf("for an editor: %s", m.Payload)
		}
		e.create("ops", "cpu")
		v.send(ask)
		v.one("SYNC_RESPONSE")
		s.send(ask)
		unseen := s.refused("s", "NOT_FOUND")
		s.send("%s", strings.Replace(ask, `"ops"`, `"opx"`, 1))
		absent := s.refused("s", "NOT_FOUND")
		if strings.Replace(string(unseen.Payload), "ops", "opx", 1) != string(absent.Payload) {
			t.Errorf("one that may not be seen (%s) differs from one that is not there (%s)", unseen.Payload, absent.Payload)
		}
		// Whoever was on the empty dashboard heard the epoch by the first entry.
		e.title("t", "ops", "cpu", "x")
		if got := e.one("ACK"); got.str("version") != "2" || got.str("inStream") != "true" {
			t.Errorf("got %s", got.Payload)
		}
	})
}

func TestR6_NotFoundOnlyAfterAskingTheJournal(t *testing.T) {
	j := memjournal.New(memjournal.Options{})
	two(t, options{journal: deaf{j}}, func(t *testing.T, a, b *node) {
		if v := b.version("ops"); v != 0 {
			t.Fatal("there is something")
		}
		a.join("a").create("ops", "cpu")
		p := b.open(&auth.Principal{UserID: "vi", Grants: []auth.Grant{{Pattern: "*", Role: auth.Viewer}}})
		p.take()
		if m := p.follow("ops"); m.str("version") != "1" {
			t.Errorf("got %s", m.Payload)
		}
	})
}

func TestR9_Deleting(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.create("ops", "cpu")
		a.follow("ops")
		b.follow("ops")
		b.send(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":"ops","state":1}}`)
		after(aWhile)
		a.take()
		b.take()
		first := n.epoch("ops")
		if answer := n.deleteDashboard("ops", "del"); answer.Ack == nil {
			t.Fatalf("got %+v", answer)
		}
		for _, p := range []*peer{a, b} {
			if m := p.one("SYNC_UPDATE"); m.str("closed") != "deleted" || m.str("version") != "" {
				t.Errorf("got %s", m.Payload)
			}
		}
		if m := a.follow("ops"); m.str("version") != "0" || m.str("epoch") != "" || m.str("presence") != "[]" {
			t.Errorf("after deletion: %s", m.Payload)
		}
		a.send(`{"type":"WIDGET_UPDATE","id":"anew","payload":{"dashboardId":"ops","widgetId":"cpu","create":true}}`)
		if m := a.one("ACK"); m.str("version") != "1" || m.str("inStream") != "true" {
			t.Errorf("created anew: %s", m.Payload)
		}
		if e := n.epoch("ops"); e == first || e == "" {
			t.Errorf("epoch %q after %q", e, first)
		}
		if m := b.since("ops", first, 1); m.str("mode") != "snapshot" || m.str("version") != "1" {
			t.Errorf("who comes back with the old epoch: %s", m.Payload)
		}
	})
}

func TestR9_BroughtBack(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		a.title("t", "ops", "cpu", "x")
		a.one("ACK")
		doc := n.state("ops").Document()
		n.deleteDashboard("ops", "del")
		a.follow("ops")
		answer := <-n.submitOp("ana", "admin", &board.Op{
			Type: board.TypeReplace, ID: "undel", DashboardID: "ops", Document: doc, Undelete: true, Hash: [16]byte{2},
		})
		if answer.Ack == nil {
			t.Fatalf("got %+v", answer.Refusal)
		}
		after(aWhile)
		if m := a.one("SYNC_RESPONSE"); m.uint("version") != answer.Ack.Version || m.str("mode") != "snapshot" ||
			m.str("document", "widgets", "cpu", "title") != "x" {
			t.Errorf("who was on the empty dashboard: %s (answer %+v)", m.Payload, answer.Ack)
		}
		a.title("t2", "ops", "cpu", "y")
		if m := a.one("ACK"); m.uint("version") != answer.Ack.Version+1 || m.str("inStream") != "true" {
			t.Errorf("got %s", m.Payload)
		}
	})
}
