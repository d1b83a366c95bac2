package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// counters count since the server was made.
type counters struct {
	opened, messages, delivered, refused, limited, caughtUp atomic.Uint64

	mu         sync.Mutex
	closeCodes map[wire.CloseCode]uint64
}

func (c *counters) closed(code wire.CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closeCodes == nil {
		c.closeCodes = make(map[wire.CloseCode]uint64)
	}
	c.closeCodes[code]++
}

// Stats are counts since the server was made, and what is open now.
type Stats struct {
	Sessions  int    `json:"sessions"`
	Users     int    `json:"users"`
	Opened    uint64 `json:"opened"`
	Messages  uint64 `json:"messages"`  // taken in
	Delivered uint64 `json:"delivered"` // entries written to sessions one by one
	Refused   uint64 `json:"refused"`   // NACKs
	Limited   uint64 `json:"limited"`   // messages that had to wait for their rate
	CaughtUp  uint64 `json:"caughtUp"`  // times that a slow session was brought to the head
	HeldBytes int64  `json:"heldBytes"` // by blocked writes
	// IncomingBytes are held of messages that have not been taken in yet.
	IncomingBytes int64 `json:"incomingBytes"`
	// Closed counts ended sessions by close code.
	Closed map[wire.CloseCode]uint64 `json:"closed"`
}

// Stats returns the counts of this moment.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	sessions, users := len(s.sessions), len(s.users)
	s.mu.Unlock()
	st := Stats{
		Sessions: sessions, Users: users, Opened: s.stats.opened.Load(),
		Messages: s.stats.messages.Load(), Delivered: s.stats.delivered.Load(),
		Refused: s.stats.refused.Load(), Limited: s.stats.limited.Load(),
		CaughtUp: s.stats.caughtUp.Load(), HeldBytes: s.held.Load(), IncomingBytes: s.incoming.bytes(),
		Closed: make(map[wire.CloseCode]uint64),
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	for code, n := range s.stats.closeCodes {
		st.Closed[code] = n
	}
	return st
}

// User returns the id of the session's user, "" until signed in.
func (s *Session) User() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.principal.UserID
}

// Info describes one session for administrators.
type Info struct {
	SessionID  string    `json:"sessionId"`
	UserID     string    `json:"userId,omitzero"`
	ClientID   string    `json:"clientId,omitzero"`
	RemoteAddr string    `json:"remoteAddr"`
	Transport  string    `json:"transport"`
	Opened     time.Time `json:"opened"`
	Dashboards []string  `json:"dashboards"`
	Blocked    bool      `json:"blocked,omitzero"`
}

// List describes the sessions of this node.
func (s *Server) List() []Info {
	all := s.all()
	out := make([]Info, 0, len(all))
	for _, c := range all {
		c.mu.Lock()
		i := Info{
			SessionID: c.id, UserID: c.principal.UserID, ClientID: c.clientID, RemoteAddr: c.remoteAddr,
			Transport: c.kind, Opened: s.time(c.opened), Dashboards: make([]string, 0, len(c.subs)), Blocked: c.blocked,
		}
		for _, sub := range c.subs {
			i.Dashboards = append(i.Dashboards, sub.id)
		}
		c.mu.Unlock()
		out = append(out, i)
	}
	return out
}
