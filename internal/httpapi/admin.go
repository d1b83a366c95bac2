package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
)

// messageBody is the body of POST /api/admin/messages.
type messageBody struct {
	Name *string           `json:"name"`
	Data jsontext.RawValue `json:"data"`
	// UserID or DashboardID says whose sessions get it; neither = all.
	UserID      *string `json:"userId"`
	DashboardID *string `json:"dashboardId"`
	// Except is a session that gets nothing.
	Except *string `json:"except"`
}

// sendMessage sends an APP_MESSAGE (W4).
func (q *request) sendMessage() *problem {
	var body messageBody
	if p := q.decode(&body, q.api.cfg.Limits.MessageBytes, false); p != nil {
		return p
	}
	if body.Name == nil || *body.Name == "" || len(*body.Name) > board.MaxID {
		return problemf(board.CodeBadMessage, "name has 1 to %d bytes: send one", board.MaxID).at("name")
	}
	var to session.Target
	for _, f := range []struct {
		into *string
		from *string
	}{{&to.UserID, body.UserID}, {&to.DashboardID, body.DashboardID}, {&to.Except, body.Except}} {
		if f.from != nil {
			*f.into = *f.from
		}
	}
	if to.DashboardID != "" {
		if err := board.CheckID("dashboard", to.DashboardID); err != nil {
			return refused(err.At("dashboardId"))
		}
	}
	if to.UserID != "" && to.DashboardID != "" {
		return problemf(board.CodeBadMessage, "userId and dashboardId exclude each other: send one of them, or neither for everybody").at("userId")
	}
	// Before it is sent: a message cannot be sent again without harm.
	if p := q.did("message.sent", details("name", *body.Name, "user", to.UserID, "dashboard", to.DashboardID, "except", to.Except)); p != nil {
		return p
	}
	n, err := q.api.cfg.Send(to, *body.Name, board.Value(body.Data))
	if err != nil {
		return refused(err.At("data"))
	}
	return q.answerValue(http.StatusAccepted, reached{n})
}

// rightsBody is the body of POST /api/admin/rights.
type rightsBody struct {
	// UserID says whose rights are read anew; absent = everybody's.
	UserID *string `json:"userId"`
}

// rereadRights has the rights of sessions read anew (P4).
func (q *request) rereadRights() *problem {
	var body rightsBody
	if p := q.decode(&body, q.api.cfg.Limits.MessageBytes, true); p != nil {
		return p
	}
	userID := ""
	if body.UserID != nil {
		userID = *body.UserID
	}
	n := q.api.cfg.Reread(userID)
	if p := q.did("rights.reread", details("user", userID, "sessions", number(n))); p != nil {
		return p
	}
	return q.answerValue(http.StatusOK, reached{n})
}

// revokeBody is the body of POST /api/admin/revoke: one of both.
type revokeBody struct {
	// UserID says whose tokens from before now count no more.
	UserID *string `json:"userId"`
	// TokenID is the jti of the one token that counts no more.
	TokenID *string `json:"jti"`
}

// maxTokenID is the length of the longest jti, in bytes.
const maxTokenID = 256

// revoke takes tokens back and closes their sessions (C3).
func (q *request) revoke() *problem {
	var body revokeBody
	if p := q.decode(&body, q.api.cfg.Limits.MessageBytes, false); p != nil {
		return p
	}
	if q.api.cfg.Authenticator == nil {
		return problemf(board.CodeBadMessage, "sign-in is off on this server, so there are no tokens to revoke")
	}
	what := auth.Revocation{UserID: of(body.UserID), TokenID: of(body.TokenID), At: q.api.cfg.Clock.Now()}
	switch {
	case (body.UserID == nil) == (body.TokenID == nil):
		return problemf(board.CodeBadMessage, "send userId for all tokens of a user, or jti for one token").at("userId")
	case body.UserID != nil && (what.UserID == "" || len(what.UserID) > maxTokenID):
		return problemf(board.CodeInvalidID, "userId has 1 to %d bytes: send one", maxTokenID).at("userId")
	case body.TokenID != nil && (what.TokenID == "" || len(what.TokenID) > maxTokenID):
		return problemf(board.CodeInvalidID, "jti has 1 to %d bytes: send one", maxTokenID).at("jti")
	}
	// Whoever hangs up has it done all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.r.Context()), actWithin)
	defer cancel()
	closed, err := q.api.cfg.Revoke(ctx, what)
	if err != nil && err.Code != board.CodeUnavailable {
		return refused(err)
	}
	q.api.cfg.Log.Warn("http: tokens were revoked", "user", logged(what.UserID), "jti", logged(what.TokenID),
		"sessions", closed, "by", logged(q.principal.UserID), "remote", q.remote)
	if p := q.did("tokens.revoked", details("user", what.UserID, "jti", what.TokenID, "sessions", number(closed))); p != nil {
		return p
	}
	if err != nil { // it is done, and was not stored
		return refused(err)
	}
	return q.answerValue(http.StatusOK, reached{closed})
}

func of(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// reached is how many sessions of this node something concerned.
type reached struct {
	Sessions int `json:"sessions"`
}

// listSessions answers the sessions of this node.
func (q *request) listSessions() *problem {
	list := q.api.cfg.Sessions.List()
	if userID := q.query().Get("user"); userID != "" {
		mine := list[:0]
		for _, s := range list {
			if s.UserID == userID {
				mine = append(mine, s)
			}
		}
		list = mine
	}
	return q.answerValue(http.StatusOK, struct {
		Sessions []session.Info `json:"sessions"`
	}{list})
}

// disconnect ends a session: for good, or with reconnect=true so that its client comes
// back.
func (q *request) disconnect() *problem {
	id, p := q.pathID("session", "session")
	if p != nil {
		return p
	}
	again, p := q.flag("reconnect")
	if p != nil {
		return p
	}
	code, reason := wire.CloseForbidden, "disconnected by an operator"
	if again {
		code, reason = wire.CloseRestart, "asked to reconnect by an operator"
	}
	user := ""
	if s := q.api.cfg.Sessions.Find(id); s != nil {
		user = s.User()
	}
	here, told := q.api.cfg.Sessions.Disconnect(id, code, reason)
	if !here && !told {
		return problemf(board.CodeNotFound, "there is no such session on this server")
	}
	if p := q.did("session.disconnected", details("session", id, "user", user, "reconnect", strconv.FormatBool(again))); p != nil {
		return p
	}
	if !here { // one of the other nodes may have it
		return q.answerValue(http.StatusAccepted, reached{0})
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
