// Package observe lets an embedding app follow what a server does: a set of
// functions, each of which may be nil. It knows no vendor; the metrics package is
// one user of it.
//
// Hooks are called in the middle of the work, by many goroutines at once: they
// must return quickly, must not block and must not call back into the server.
// What is passed to them must not be modified or kept, unless it says so.
package observe

import (
	"time"

	"github.com/dashwire/dashwire/board"
)

// Hooks follow events. The zero value follows nothing.
type Hooks struct {
	// Connect is called when a session has opened, and again when its user is known.
	Connect func(Session)
	// Disconnect is called once for each session, with the close code that the
	// client saw or sent.
	Disconnect func(s Session, code int, reason string)
	// Message is called for each message that came in.
	Message func(s Session, messageType string, bytes int)
	// Refused is called for each NACK, with the session that gets it, and for each
	// refused request and handshake, whose session has no ID.
	Refused func(s Session, err *board.Error)
	// Limited is called each time that a limit is hit, by whatever was refused, closed or
	// made to wait for it; the session is zero where there is none.
	Limited func(l Limit, s Session)
	// Commit is called once an entry is durable, in order for each dashboard. The
	// entry is immutable and may be kept.
	Commit func(e *board.Entry)
	// Conflict is called for each clash that goes to a person. It may be kept.
	Conflict func(c *board.Conflict)
	// Append is called after each append to the journal; journal.ErrMoved as err is not a
	// failure, but another node that was first (A3).
	Append func(dashboardID string, records int, took time.Duration, err error)
	// Raced is called for each op that had to be decided again because other nodes were
	// first (A3), once it has its answer, with how often they were.
	Raced func(lost int)
	// Acknowledged is called with the time from taking an op in to its answer.
	Acknowledged func(took time.Duration)
	// Deliver is called after each write of entries to sessions, with the number of
	// entries and bytes that were handed to one session.
	Deliver func(entries, bytes int)
	// Fanout is called after each sweep over the sessions of a dashboard, with the time
	// from the first change that it brought (an entry, live values, presence) until all
	// of them had been written to, or were found blocked.
	Fanout func(took time.Duration)
	// RoomOpen and RoomClose follow which dashboards are in memory.
	RoomOpen  func(dashboardID string, took time.Duration)
	RoomClose func(dashboardID string)
	// Webhook is called after each attempt to send a message to a webhook target; err is
	// nil if it was taken.
	Webhook func(target string, took time.Duration, err error)
	// Error is called for what the operator should know; id is what a client saw
	// with INTERNAL, else "".
	Error func(err error, id string)
	// Action is called for each act of an administrator and each sign-in that was
	// refused: what is in no dashboard's log. It may be kept.
	Action func(a Action)
}

// Action is something that an administrator did, or that concerns security. Nothing in
// it tells how to sign in.
type Action struct {
	// Time is when it happened; zero = when it is written down.
	Time time.Time
	// Name is what was done: "tokens.revoked", "session.disconnected", "rights.reread",
	// "message.sent", "webhook.retried", "sign-in.refused", or a name of the app's own.
	Name string
	// UserID did it; "" = nobody who had signed in.
	UserID string
	// Via names the credentials that the user had signed in with (auth.Principal.Via).
	Via        string
	RemoteAddr string
	// Details say what it was done to, and what came of it.
	Details map[string]string
	// Count is how many alike actions this stands for; 0 = 1.
	Count int
}

// Session names a session in hooks and statistics.
type Session struct {
	ID         string
	UserID     string // "" until signed in
	ClientID   string // "" until named
	RemoteAddr string
	Transport  string // "websocket" or "sse"
}
