package httpapi

import (
	"context"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/observe"
)

// actWithin is how long the disk may take over an act of an administrator.
const actWithin = 10 * time.Second

// adminListener is how somebody came in who was not asked to sign in.
const adminListener = "listener:admin"

// did writes down what the request has done, or is about to do. The answer to the
// request waits for it.
func (q *request) did(name string, details map[string]string) *problem {
	a := observe.Action{Name: name, UserID: q.principal.UserID, Via: q.principal.Via(), RemoteAddr: q.remote, Details: details}
	if !q.signedIn {
		a.Via = adminListener
	}
	// Whoever hangs up is written down all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.r.Context()), actWithin)
	defer cancel()
	if err := q.api.cfg.Act(ctx, a); err != nil {
		return refused(&board.Error{
			Code: board.CodeUnavailable, Cause: err,
			Message: "the audit log cannot be written; what was asked may have been done: look, and try again when there is room on the disk",
		})
	}
	return nil
}

// signInRefused notes bad credentials and gives the refusal on. Why is what the client
// hears: the error behind it might hold more than should be kept.
func (q *request) signInRefused(err *board.Error, by string) *board.Error {
	if err != nil && err.Code == board.CodeUnauthenticated {
		q.api.cfg.SignInRefused(observe.Action{
			Name: "sign-in.refused", RemoteAddr: q.remote, Details: map[string]string{"by": by, "why": err.Message},
		})
	}
	return err
}

// details are those of an action, but for what is empty.
func details(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

func number(n int) string { return strconv.Itoa(n) }
