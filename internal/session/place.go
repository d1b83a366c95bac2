package session

import (
	"cmp"
	"slices"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// place is what a session takes of the limits on how many there may be (C8).
type place struct {
	taken    bool
	unsigned bool // nobody has signed in yet
	address  ratelimit.Address
}

// places counts what is taken, by sessions and by requests about to become one. It is
// used under the server's mu, and holds no more than there are sessions.
type places struct {
	all, unsigned int
	addresses     map[ratelimit.Address]perAddress
}

// perAddress is what the sessions of one client address take.
type perAddress struct{ all, unsigned int32 }

func newPlaces() places { return places{addresses: make(map[ratelimit.Address]perAddress)} }

// Admit takes a place for a session that Open is to be called for with m, or tells why
// there is none and when to try again. If Open is then not called, Forget gives the place
// back. Sessions that are opened without Admit are not counted.
func (s *Server) Admit(m *Meta) (retryAfter time.Duration, err *board.Error) {
	p := place{taken: true, unsigned: m.Principal == nil, address: m.Address}
	if s.shortOfMemory() {
		return retryWhenFull, board.Errorf(board.CodeUnavailable, "this server is short of memory; try again later").Over(observe.LimitMemory)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	retryAfter, err = s.places.roomFor(p, &s.cfg)
	if err != nil && err.Limit == observe.LimitUnsignedSessions && s.giveWayLocked(s.cfg.Clock.Now()) {
		retryAfter, err = 0, nil
	}
	if err == nil {
		s.places.enter(p)
		m.place = p
	}
	return retryAfter, err
}

func (s *Server) shortOfMemory() bool { return s.cfg.ShortOfMemory != nil && s.cfg.ShortOfMemory() }

// Forget gives back the place of a session that was not opened after all.
func (s *Server) Forget(m *Meta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places.leave(&m.place)
}

// Shed sends the n newest sessions away, to come back later: who came last has the least
// to lose. It returns how many there were.
func (s *Server) Shed(n int) int {
	newest := s.all()
	slices.SortFunc(newest, func(a, b *Session) int { return cmp.Compare(b.opened, a.opened) })
	newest = newest[:min(n, len(newest))]
	for _, c := range newest {
		c.Limited(observe.LimitMemory)
		c.End(wire.CloseOverloaded, "this server is short of memory", true)
	}
	return len(newest)
}

// When to try again: places of sessions become free slowly, those of who is about to
// sign in quickly.
const (
	retryWhenFull     = 10 * time.Second
	retryWhenUnsigned = 2 * time.Second
)

// roomFor tells why there is no place, and when there may be one.
func (t *places) roomFor(p place, cfg *Config) (retryAfter time.Duration, err *board.Error) {
	mine := t.addresses[p.address]
	switch {
	case cfg.MaxSessions > 0 && t.all >= cfg.MaxSessions:
		return retryWhenFull, board.Errorf(board.CodeUnavailable,
			"this server has as many sessions as it can serve; try again later").Over(observe.LimitSessions)
	case p.address != 0 && int(mine.all) >= cfg.SessionsPerAddress:
		return retryWhenFull, board.Errorf(board.CodeRateLimited,
			"there are %d sessions from this address already; close some", mine.all).Over(observe.LimitSessionsPerAddress)
	case p.unsigned && p.address != 0 && int(mine.unsigned) >= cfg.UnsignedPerAddress:
		return retryWhenUnsigned, board.Errorf(board.CodeRateLimited,
			"%d sessions from this address have not signed in yet; sign in with the request, or try again in a moment", mine.unsigned).
			Over(observe.LimitUnsignedPerAddress)
	case p.unsigned && t.unsigned >= cfg.UnsignedSessions:
		return retryWhenUnsigned, board.Errorf(board.CodeUnavailable,
			"too many sessions have not signed in yet; sign in with the request, or try again in a moment").Over(observe.LimitUnsignedSessions)
	}
	return 0, nil
}

func (t *places) enter(p place) {
	t.all++
	if p.unsigned {
		t.unsigned++
	}
	t.count(p, 1)
}

// signedIn gives back what a session takes for not having signed in.
func (t *places) signedIn(p *place) {
	if !p.unsigned {
		return
	}
	p.unsigned = false
	t.unsigned--
	if p.address != 0 {
		mine := t.addresses[p.address]
		mine.unsigned--
		t.addresses[p.address] = mine
	}
}

// leave gives a place back, once.
func (t *places) leave(p *place) {
	if !p.taken {
		return
	}
	t.signedIn(p)
	t.all--
	t.count(*p, -1)
	p.taken = false
}

func (t *places) count(p place, n int32) {
	if p.address == 0 {
		return
	}
	mine := t.addresses[p.address]
	mine.all += n
	if p.unsigned {
		mine.unsigned += n
	}
	if mine == (perAddress{}) {
		delete(t.addresses, p.address)
		return
	}
	t.addresses[p.address] = mine
}
