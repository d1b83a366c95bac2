package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// TestH2_PresenceByWayOfAnotherNode: a state that any node takes in by HTTP is shown for the
// session that it is of, and for no other.
func TestH2_PresenceByWayOfAnotherNode(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		ana := nodes[0].join("a")
		ana.create("ops", "cpu")
		ana.follow("ops")
		b := watch(nodes[1].joinAs("bo", "b"), "ops")
		after(time.Second)
		p := owner("ana")
		show := func(node int, p *auth.Principal, session, dashboard, state string) *board.Error {
			return nodes[node].server.Present(t.Context(), p, session, &wire.Presence{DashboardID: dashboard, State: board.Value(state)})
		}
		id := ana.session.ID()
		for node := range nodes {
			for n := range 3 {
				if err := show(node, p, id, "ops", fmt.Sprint(10*node+n+1)); err != nil {
					t.Errorf("by way of node %d: %v", node, err)
				}
			}
			after(300 * time.Millisecond)
			b.sees(fmt.Sprintf("by way of node %d", node), "a", fmt.Sprint(10*node+3))
		}

		for name, err := range map[string]*board.Error{
			"another user's session elsewhere": show(2, owner("eve"), id, "ops", "1"),
			"a session that is nowhere":        show(2, p, "nobody", "ops", "1"),
			"a dashboard that it has not open": show(2, p, id, "other", "1"),
		} {
			if err != nil {
				t.Errorf("%s: %v, though another node might know it", name, err)
			}
		}
		for name, test := range map[string]struct {
			err  *board.Error
			want board.Code
		}{
			"another user's session here": {show(0, owner("eve"), id, "ops", "1"), board.CodeNotFound},
			"what is no id":               {show(1, p, "a b", "ops", "1"), board.CodeNotFound},
			"too long a state":            {show(1, p, id, "ops", `"`+string(make([]byte, wire.MaxStateBytes))+`"`), board.CodeTooLarge},
			"what may not be seen":        {show(1, &auth.Principal{UserID: "ana"}, id, "ops", "1"), board.CodeNotFound},
		} {
			if test.err == nil || test.err.Code != test.want {
				t.Errorf("%s: %v, want %s", name, test.err, test.want)
			}
		}
		nodes[2].relay.Cut()
		if err := show(2, p, id, "ops", "1"); err == nil || err.Code != board.CodeUnavailable {
			t.Errorf("without the other nodes: %v, want UNAVAILABLE", err)
		}
		after(300 * time.Millisecond)
		b.sees("after what was refused", "a", "23")
	})
}
