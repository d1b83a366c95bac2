package dashwire

import (
	"context"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
)

// Answer is the terminal answer to an op that was not refused: exactly one of Ack
// and Conflict is set.
type Answer struct {
	Ack      *board.Ack
	Conflict *board.Conflict
	// Epoch that the versions count in.
	Epoch string
	// Durability of an Ack: "disk", "quorum" or "memory" (A1).
	Durability string
}

// App is the principal that an app acts as when it acts for nobody in particular: it
// may do everything, and Config.Authorizer is not asked.
func App(userID string) auth.Principal { return auth.App(userID) }

// Submit does one op for a principal, through the same checks, rights and limits as a
// session's, and returns when its answer is there: for a committed op, when it is as
// durable as the journal makes it. message is an envelope of docs/PROTOCOL.md, such as
//
//	{"type":"WIDGET_UPDATE","id":"deploy-417","payload":{"dashboardId":"ops",
//	 "widgetId":"note","create":true,"set":{"/type":"text","/title":"Deployed"}}}
//
// The error is a *board.Error for a refusal (NACK); after UNAVAILABLE, or when ctx has
// ended, the op may still be committed: submit the same message again, its id makes
// sure that it is applied once (M8).
func (s *Server) Submit(ctx context.Context, as auth.Principal, message []byte) (Answer, error) {
	m, bad := wire.Decode(message, s.cfg.Limits.wire())
	if bad != nil {
		return Answer{}, bad
	}
	if m.Op == nil {
		return Answer{}, board.Errorf(board.CodeUnknownType, "%s is no operation; see the table of messages in docs/PROTOCOL.md", m.Type)
	}
	m.Op.Author = board.Author{UserID: as.UserID, ClientID: m.OpClient}
	if m.Op.Author.ClientID == "" {
		m.Op.Author.ClientID = "app"
	}
	return s.submit(ctx, as, m.Op)
}

// Put makes a dashboard what document says, creating it if need be: one entry, one
// undo step. id makes repeating it harmless (M8). Replacing what is there needs the
// role owner. The values of the document must be what board.ParseValue gave.
func (s *Server) Put(ctx context.Context, as auth.Principal, dashboardID, id string, document *board.Document) (Answer, error) {
	for kind, name := range map[string]string{"dashboard": dashboardID, "op": id} {
		if err := board.CheckID(kind, name); err != nil {
			return Answer{}, err
		}
	}
	content := board.Value(board.AppendDocument(nil, document))
	checked, err := board.ParseDocument(content)
	if err != nil {
		return Answer{}, err
	}
	return s.submit(ctx, as, &board.Op{
		Type: board.TypeReplace, ID: id, DashboardID: dashboardID, Document: checked,
		Author: board.Author{UserID: as.UserID, ClientID: "app"},
		Hash:   wire.HashOp(board.TypeReplace, content),
	})
}

func (s *Server) submit(ctx context.Context, as auth.Principal, op *board.Op) (Answer, error) {
	authorized, err := auth.Authorize(ctx, s.cfg.Authorizer, &as, op)
	if err != nil {
		return Answer{}, err
	}
	answered := make(chan room.Answer, 1)
	s.hub.Submit(ctx, authorized, func(a room.Answer) { answered <- a })
	select {
	case a := <-answered:
		if a.Refusal != nil {
			return Answer{}, a.Refusal
		}
		return Answer{Ack: a.Ack, Conflict: a.Conflict, Epoch: a.Epoch, Durability: string(a.Durability)}, nil
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("dashwire.Submit: not known whether %s was committed: %w", op.ID, ctx.Err())
	}
}

// Document returns a dashboard as it is now, with its version: 0 and an empty
// document if there is none.
func (s *Server) Document(ctx context.Context, dashboardID string) (doc *board.Document, version uint64, err error) {
	state, refusal := s.hub.State(ctx, dashboardID)
	if refusal != nil {
		return nil, 0, refusal
	}
	_, version = state.Head()
	if version == 0 {
		state = board.NewState(dashboardID)
	}
	return state.Document(), version, nil
}

// Value is a live value of one widget (W1): in no log, kept in memory.
type Value struct {
	WidgetID string
	// Data is any JSON value up to 64 KiB; an array of points if Append is set.
	Data   board.Value
	Append bool
	// Window is the number of points to keep, 0 = 1,000.
	Window int
}

// Feed sends live values to everybody on a dashboard. A value that cannot be taken
// (its widget is gone, or it is too large or no JSON) keeps no other out: Feed sends the
// others and returns an error that joins one [board.Error] for each left out, naming
// its widget (errors.Join). No other error comes after any was sent.
func (s *Server) Feed(ctx context.Context, as auth.Principal, dashboardID string, values ...Value) error {
	d := &wire.Data{DashboardID: dashboardID, Values: make([]wire.DataValue, 0, len(values))}
	var errs []error
	for _, v := range values {
		if err := v.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		d.Values = append(d.Values, wire.DataValue(v))
	}
	err := s.sessions.Feed(ctx, &as, d)
	var refused room.Refused
	switch {
	case err == nil:
	case errors.As(err.Cause, &refused):
		for _, err := range refused {
			errs = append(errs, err)
		}
	default:
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// check holds what an app made itself against what viewers can read.
func (v *Value) check() error {
	data, err := board.ParseValue([]byte(v.Data))
	switch {
	case err != nil:
		return board.Errorf(err.Code, "the live value of %q: %s", v.WidgetID, err.Message).At("data" + err.Path)
	case v.Append && data.Kind() != '[':
		return board.Errorf(board.CodeInvalidValue, "the live value of %q is to be appended and no array of points: make it one", v.WidgetID).At("data")
	case v.Window < 0:
		return board.Errorf(board.CodeInvalidValue, "the window of %q is %d: give the number of points to keep, 0 for 1,000", v.WidgetID, v.Window).At("window")
	}
	v.Data = data
	return nil
}

// Broadcast sends an APP_MESSAGE to every session of all nodes, but for the one whose id is
// except ("" = none), and returns how many of this node it went to. data is anything that
// encodes as JSON (W4).
func (s *Server) Broadcast(name string, data any, except string) (int, error) {
	return s.send(session.Target{Except: except}, name, data)
}

// SendToUser is Broadcast to the sessions of one user.
func (s *Server) SendToUser(userID, name string, data any, except string) (int, error) {
	return s.send(session.Target{UserID: userID, Except: except}, name, data)
}

// SendToDashboard is Broadcast to the sessions that follow one dashboard.
func (s *Server) SendToDashboard(dashboardID, name string, data any, except string) (int, error) {
	return s.send(session.Target{DashboardID: dashboardID, Except: except}, name, data)
}

func (s *Server) send(t session.Target, name string, data any) (int, error) {
	text, err := jsontext.Encode(data)
	if err != nil {
		return 0, fmt.Errorf("dashwire: encoding the APP_MESSAGE %q: %w", name, err)
	}
	value, refusal := board.ParseValue(text)
	if refusal != nil {
		return 0, refusal
	}
	n, refusal := s.sessions.Send(t, name, value)
	if refusal != nil {
		return 0, refusal
	}
	return n, nil
}

// Sessions describes the sessions of this node.
func (s *Server) Sessions() []SessionInfo { return s.sessions.List() }

// RereadRights has the rights of a user's sessions read anew on all nodes, of all sessions
// if userID is "" (P4): call it when the Authorizer's answers have changed. Sessions that have lost a
// dashboard hear so within five seconds. It returns how many sessions of this node are
// looked at.
func (s *Server) RereadRights(userID string) int { return s.sessions.RereadRights(userID) }

// Disconnect sends a session away: it may reconnect. It reports whether it was on this
// node; if not, the others are told, where there are any.
func (s *Server) Disconnect(sessionID, reason string) bool {
	here, _ := s.sessions.Disconnect(sessionID, wire.CloseGoingAway, reason)
	return here
}
