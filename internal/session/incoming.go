package session

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// incoming is what all sessions hold of messages that have not been taken in yet: those
// under way, and those that wait for their rate or until answers are read. How long a
// message may be bounds each of them; this bounds them together (C8).
type incoming struct {
	most int64 // static after construction

	mu   sync.Mutex
	held int64
	by   map[*Session]*arriving

	// working are the bytes of long messages that were taken in and not answered yet; as
	// many as most again, or a single one.
	working atomic.Int64
}

// arriving is what one session holds.
type arriving struct {
	user  string
	bytes int64
	since time.Time // of its oldest message
}

// cost is what holding it has cost so far: who holds much for long is who is slow on
// purpose, or too slow for this server.
func (a *arriving) cost(now time.Time) float64 {
	return float64(a.bytes) * (1 + now.Sub(a.since).Seconds())
}

func newIncoming(most int64) *incoming {
	return &incoming{most: most, by: make(map[*Session]*arriving)}
}

// begin counts a long message that is taken in, unless there are too many of them.
func (in *incoming) begin(n int) bool {
	if now := in.working.Add(int64(n)); now > in.most && now > int64(n) {
		in.working.Add(-int64(n))
		return false
	}
	return true
}

// done ends it.
func (in *incoming) done(n int) { in.working.Add(-int64(n)) }

// Incoming tells that the connection holds n bytes of messages that have not been taken in
// yet. It is called by whoever calls Handle, and not while that runs.
func (s *Session) Incoming(n int) {
	now := s.server.cfg.Clock.Now()
	s.arriving = n > 0
	for _, c := range s.server.incoming.note(s, s.User(), int64(n), now) {
		c.Limited(observe.LimitIncomingBytes)
		c.End(wire.CloseOverloaded, "too much is held of messages that are not finished, most of it for you; send again later", true)
	}
}

// note counts what a session holds, and returns those that have to end for it.
func (in *incoming) note(s *Session, user string, n int64, now time.Time) []*Session {
	in.mu.Lock()
	defer in.mu.Unlock()
	a := in.by[s]
	switch {
	case n == 0:
		in.leaveLocked(s)
		return nil
	case s.sentAway:
		return nil // it ends, and lets go of what comes until then
	case a == nil:
		a = &arriving{user: user, since: now}
		in.by[s] = a
	}
	in.held += n - a.bytes
	a.bytes = n
	if in.held <= in.most {
		return nil
	}
	return in.makeRoomLocked(now)
}

// taken tells that a message has been taken in: what is held from now on is younger.
func (in *incoming) taken(s *Session, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if a := in.by[s]; a != nil {
		a.since = now
	}
}

// leave forgets what a session holds.
func (in *incoming) leave(s *Session) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.leaveLocked(s)
}

func (in *incoming) leaveLocked(s *Session) {
	if a := in.by[s]; a != nil {
		in.held -= a.bytes
		delete(in.by, s)
	}
}

// makeRoomLocked picks the sessions that end so that an eighth of the budget is free: of
// the user whose sessions have cost most together, the one that has cost most, again and
// again. Nobody gets round it by spreading over sessions, and a user with one message
// is not held to account for a crowd.
func (in *incoming) makeRoomLocked(now time.Time) (over []*Session) {
	type user struct {
		cost     float64
		sessions []*Session // the costliest last
	}
	users := make(map[string]*user)
	for s, a := range in.by {
		u := users[a.user]
		if u == nil {
			u = new(user)
			users[a.user] = u
		}
		u.cost += a.cost(now)
		u.sessions = append(u.sessions, s)
	}
	for _, u := range users {
		slices.SortFunc(u.sessions, func(a, b *Session) int {
			if in.by[a].cost(now) < in.by[b].cost(now) {
				return -1
			}
			return 1
		})
	}
	for in.held > in.most-in.most/8 {
		var worst *user
		for _, u := range users {
			if len(u.sessions) > 0 && (worst == nil || u.cost > worst.cost) {
				worst = u
			}
		}
		last := len(worst.sessions) - 1
		s := worst.sessions[last]
		worst.sessions = worst.sessions[:last]
		worst.cost -= in.by[s].cost(now)
		in.leaveLocked(s)
		s.sentAway = true
		over = append(over, s)
	}
	return over
}

// bytes is how much is held.
func (in *incoming) bytes() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.held
}
