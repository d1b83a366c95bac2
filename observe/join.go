package observe

import (
	"time"

	"github.com/dashwire/dashwire/board"
)

// Join gives hooks that call those of a and then those of b. A hook that only one
// of them has is that one's own, so joining costs nothing where it changes nothing.
func Join(a, b Hooks) Hooks {
	return Hooks{
		Connect: both(a.Connect, b.Connect),
		Disconnect: joined(a.Disconnect, b.Disconnect, a.Disconnect == nil, b.Disconnect == nil,
			func(s Session, code int, reason string) {
				a.Disconnect(s, code, reason)
				b.Disconnect(s, code, reason)
			}),
		Message: joined(a.Message, b.Message, a.Message == nil, b.Message == nil,
			func(s Session, messageType string, bytes int) {
				a.Message(s, messageType, bytes)
				b.Message(s, messageType, bytes)
			}),
		Refused: joined(a.Refused, b.Refused, a.Refused == nil, b.Refused == nil,
			func(s Session, err *board.Error) {
				a.Refused(s, err)
				b.Refused(s, err)
			}),
		Limited: joined(a.Limited, b.Limited, a.Limited == nil, b.Limited == nil,
			func(l Limit, s Session) {
				a.Limited(l, s)
				b.Limited(l, s)
			}),
		Commit:   both(a.Commit, b.Commit),
		Conflict: both(a.Conflict, b.Conflict),
		Append: joined(a.Append, b.Append, a.Append == nil, b.Append == nil,
			func(dashboardID string, records int, took time.Duration, err error) {
				a.Append(dashboardID, records, took, err)
				b.Append(dashboardID, records, took, err)
			}),
		Raced:        both(a.Raced, b.Raced),
		Acknowledged: both(a.Acknowledged, b.Acknowledged),
		Deliver: joined(a.Deliver, b.Deliver, a.Deliver == nil, b.Deliver == nil,
			func(entries, bytes int) {
				a.Deliver(entries, bytes)
				b.Deliver(entries, bytes)
			}),
		Fanout: both(a.Fanout, b.Fanout),
		RoomOpen: joined(a.RoomOpen, b.RoomOpen, a.RoomOpen == nil, b.RoomOpen == nil,
			func(dashboardID string, took time.Duration) {
				a.RoomOpen(dashboardID, took)
				b.RoomOpen(dashboardID, took)
			}),
		RoomClose: both(a.RoomClose, b.RoomClose),
		Webhook: joined(a.Webhook, b.Webhook, a.Webhook == nil, b.Webhook == nil,
			func(target string, took time.Duration, err error) {
				a.Webhook(target, took, err)
				b.Webhook(target, took, err)
			}),
		Error: joined(a.Error, b.Error, a.Error == nil, b.Error == nil,
			func(err error, id string) {
				a.Error(err, id)
				b.Error(err, id)
			}),
		Action: both(a.Action, b.Action),
	}
}

// both joins two functions of one argument.
func both[T any](a, b func(T)) func(T) {
	return joined(a, b, a == nil, b == nil, func(v T) {
		a(v)
		b(v)
	})
}

// joined picks the one function that is there, or the one that calls both.
func joined[F any](a, b F, noA, noB bool, and F) F {
	switch {
	case noA:
		return b
	case noB:
		return a
	default:
		return and
	}
}
