// Package auth says who somebody is and what they may do. It holds the contract
// that sign-in drivers fulfil ([Authenticator]), the one that an app with rights
// of its own fulfils ([Authorizer]), and the only way from a decoded operation to
// one that the server carries out ([Authorize]).
//
// It reads no tokens itself and stores nothing: roles come from the token or from
// the app, never from a document (P1).
package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dashwire/dashwire/board"
)

// Role is what a principal may do on one dashboard (P1). Each role includes those
// before it.
type Role int

// The roles.
const (
	None   Role = iota
	Viewer      // read, presence
	Feeder      // and send live values
	Editor      // and edit, create
	Owner       // and delete, restore, import, set limits
)

var roleNames = [...]string{"", "viewer", "feeder", "editor", "owner"}

// String gives the role's name in tokens and messages, "" for None.
func (r Role) String() string {
	if r < None || r > Owner {
		return ""
	}
	return roleNames[r]
}

// ParseRole reads a role's name; ok is false for anything that is none.
func ParseRole(s string) (r Role, ok bool) {
	for i, name := range roleNames {
		if i > 0 && name == s {
			return Role(i), true
		}
	}
	return None, false
}

// Grant gives a role on the dashboards that Pattern names: an id, or a prefix
// followed by one "*" at the end.
type Grant struct {
	Pattern string
	Role    Role
}

// Principal is somebody who has signed in. It is not modified after it was made.
type Principal struct {
	UserID string
	// Grants are tried all; the highest matching role counts.
	Grants []Grant
	// Admin opens statistics, metrics and the admin interface (H4).
	Admin bool
	// Expires is when the credentials end; zero = never (C3).
	Expires time.Time
	// TokenID names the token among all of its issuer ("jti"), "" if it has no name. It
	// is what one token is revoked by.
	TokenID string
	// IssuedAt is when the token was made; zero = not known, which counts as before any
	// revocation of its user.
	IssuedAt time.Time
	// KeyID names the key that has signed the request, "" where none has.
	KeyID string

	app bool   // see App
	via string // see SignedIn; "" = not made yet
}

// SignedIn is p as a session holds it: one copy for all that is asked of it, with
// [Principal.Via] made once. It is not changed by anybody.
func SignedIn(p Principal) *Principal {
	p.via = ""
	p.via = p.Via()
	return &p
}

// App is the app itself, when it acts within its own process for nobody in particular: it
// may do everything, and no Authorizer is asked.
func App(userID string) Principal {
	return Principal{UserID: userID, Admin: true, Grants: []Grant{{Pattern: "*", Role: Owner}}, app: true}
}

// maxVia is how much of the name of credentials is kept for the record, in bytes.
const maxVia = 256

// Via names the credentials for the record (board.Op.Via): token:<jti> or key:<key id>,
// "" if they have no name. It tells nobody how to sign in.
func (p Principal) Via() string {
	switch {
	case p.via != "":
		return p.via
	case p.KeyID != "":
		return via("key:", p.KeyID)
	case p.TokenID != "":
		return via("token:", p.TokenID)
	}
	return ""
}

func via(kind, name string) string {
	if len(name) > maxVia {
		name = name[:maxVia]
	}
	return kind + strings.ToValidUTF8(name, "\uFFFD")
}

// Anonymous is the user without a name where sign-in is off (C1).
const Anonymous = "anonymous"

// RoleOn returns the highest role that the principal's grants give on a dashboard.
func (p Principal) RoleOn(dashboardID string) Role {
	best := None
	for i := range p.Grants {
		if g := &p.Grants[i]; g.Role > best && matches(g.Pattern, dashboardID) {
			best = g.Role
		}
	}
	return best
}

func matches(pattern, id string) bool {
	if n := len(pattern) - 1; n >= 0 && pattern[n] == '*' {
		return len(id) >= n && id[:n] == pattern[:n]
	}
	return pattern == id
}

// Source is where a token was found (C2).
type Source string

// The sources, in the order in which they count.
const (
	FromHeader      Source = "header"      // Authorization: Bearer
	FromSubprotocol Source = "subprotocol" // bearer.<token> beside dashwire.v1
	FromCookie      Source = "cookie"
	FromConnect     Source = "connect" // the client's CONNECT
	FromQuery       Source = "query"   // refused unless a setting allows it
)

// MaxToken is the length of the longest token that a server looks at, in bytes.
const MaxToken = 8 << 10

// Credentials are what somebody shows to sign in.
type Credentials struct {
	Token  string
	Source Source
	// RemoteAddr is the client's address without the port.
	RemoteAddr string
}

// ErrUnauthenticated is wrapped by Authenticators for credentials that are
// missing, wrong or too old. Any other error means that it could not be found out
// and is answered UNAVAILABLE.
var ErrUnauthenticated = errors.New("auth: not signed in")

// Authenticator turns credentials into a principal. It may be called by any
// number of goroutines at once and should answer within a second. One that asks
// elsewhere tells of it ([Waiting]).
type Authenticator interface {
	Authenticate(ctx context.Context, c Credentials) (Principal, error)
}

// Authorizer tells the role of a principal on a dashboard at this moment. It is
// asked on every message, so it should answer from memory; one that may have to wait, or
// whose answers change by themselves, is a [Watcher]. An error refuses (UNAVAILABLE). It
// may be called by any number of goroutines at once.
type Authorizer interface {
	Role(ctx context.Context, p Principal, dashboardID string) (Role, error)
}

// Grants is the Authorizer that answers from the principal's own grants.
type Grants struct{}

// Role implements Authorizer.
func (Grants) Role(_ context.Context, p Principal, dashboardID string) (Role, error) {
	return p.RoleOn(dashboardID), nil
}

// AuthorizedOp is an op whose author may do it. Only Authorize makes one that
// holds an op.
type AuthorizedOp struct {
	op        *board.Op
	principal *Principal
	role      Role
}

// Op returns the op.
func (a AuthorizedOp) Op() *board.Op { return a.op }

// WithHistory returns the same op with the past that deciding it asked for.
func (a AuthorizedOp) WithHistory(h *board.History) AuthorizedOp {
	op := *a.op
	op.History = h
	a.op = &op
	return a
}

// Principal returns who does it.
func (a AuthorizedOp) Principal() Principal { return *a.principal }

// Role returns the role under which it is done.
func (a AuthorizedOp) Role() Role { return a.role }

// Authorize checks that p may do op now, and writes into op through which credentials it
// comes. The op's author must already be p's user; neither p nor op is changed afterwards.
// Its errors carry the codes NOT_FOUND (the dashboard may not even be seen, R6),
// FORBIDDEN and UNAVAILABLE.
func Authorize(ctx context.Context, az Authorizer, p *Principal, op *board.Op) (AuthorizedOp, *board.Error) {
	role, err := Require(ctx, az, p, op.DashboardID, needed(op))
	if err != nil {
		if err.Code == board.CodeForbidden && op.SetsLimits() {
			err.Message = "settings.limits are for an owner to set: " + err.Message
		}
		return AuthorizedOp{}, err
	}
	op.Via = p.Via()
	return AuthorizedOp{op: op, principal: p, role: role}, nil
}

// Require returns p's role on a dashboard if it is at least want.
func Require(ctx context.Context, az Authorizer, p *Principal, dashboardID string, want Role) (Role, *board.Error) {
	var role Role
	var err error
	if p.app {
		role = p.RoleOn(dashboardID)
	} else {
		role, err = az.Role(ctx, *p, dashboardID)
	}
	switch {
	case err != nil:
		return None, &board.Error{
			Code: board.CodeUnavailable, Message: "rights could not be checked; try again", Cause: err,
		}
	case role < Viewer:
		return None, board.Errorf(board.CodeNotFound, "there is no dashboard %q that you can see", dashboardID)
	case role < want:
		return None, board.Errorf(board.CodeForbidden, "this needs the role %s on %q; yours is %s", want, dashboardID, role)
	}
	return role, nil
}

// needed is the role that an op takes (P1). Making a dashboard where there is none is
// creating; putting another document in the place of one is restoring.
func needed(op *board.Op) Role {
	switch {
	case op.Type == board.TypeDashboardDelete, op.Type == board.TypeReplace && !op.Create, op.SetsLimits():
		return Owner
	default:
		return Editor
	}
}
