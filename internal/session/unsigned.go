package session

import (
	"container/list"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// signInGrace is what a session has to sign in before it may have to give way.
const signInGrace = time.Second

// strangers are the sessions in which nobody has signed in yet, those that have waited
// longest first. It is used under the server's mu.
type strangers struct {
	list list.List // of *Session
}

// enter takes in a session that is opening.
func (w *strangers) enter(c *Session) {
	if c.place.unsigned {
		c.stranger = w.list.PushBack(c)
	}
}

// leave forgets a session that has signed in or ended.
func (w *strangers) leave(c *Session) {
	if c.stranger != nil {
		w.list.Remove(c.stranger)
		c.stranger = nil
	}
}

// giveWayLocked ends the stranger that has waited longest, if it has had its time, so that
// those who fill all the places without signing in keep nobody out who would (C8). It
// reports whether there is a place now.
func (s *Server) giveWayLocked(now time.Time) bool {
	front := s.strangers.list.Front()
	if front == nil {
		return false
	}
	c := front.Value.(*Session)
	if s.moment(now)-c.opened < moment(signInGrace) {
		return false
	}
	s.strangers.leave(c)
	s.places.signedIn(&c.place)
	s.tasks.Go(func() { // not under the server's lock
		c.Limited(observe.LimitUnsignedSessions)
		c.End(wire.CloseOverloaded, "too many sessions have not signed in yet; sign in sooner", true)
	})
	return true
}
