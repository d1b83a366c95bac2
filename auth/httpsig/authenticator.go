package httpsig

import (
	"errors"
	"net/http"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

// Authenticator signs in the programs that hold keys. It may be used by any number of
// goroutines at once.
type Authenticator struct {
	verifier *Verifier
	people   map[string]auth.Principal
}

// NewAuthenticator makes an authenticator for requests that v lets pass. The
// principals are by key id; a key without one signs nobody in.
func NewAuthenticator(v *Verifier, principals map[string]auth.Principal) *Authenticator {
	people := make(map[string]auth.Principal, len(principals))
	for id, p := range principals {
		people[id] = p
	}
	return &Authenticator{verifier: v, people: people}
}

// AuthenticateRequest implements auth.RequestAuthenticator.
func (a *Authenticator) AuthenticateRequest(r *http.Request) (auth.Principal, error) {
	id, err := a.verifier.Verify(r)
	var refusal *Error
	if errors.As(err, &refusal) {
		return auth.Principal{}, &board.Error{Code: refusal.code(), Message: refusal.Message, Cause: refusal}
	}
	p, ok := a.people[id]
	if !ok {
		refusal = errUnproven()
		return auth.Principal{}, &board.Error{Code: refusal.code(), Message: refusal.Message, Cause: refusal}
	}
	p.KeyID = id
	return p, nil
}
