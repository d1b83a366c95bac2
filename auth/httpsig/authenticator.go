package httpsig

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

// Authenticator signs in the programs that hold keys. It may be used by any number of
// goroutines at once.
type Authenticator struct {
	verifier *Verifier
	people   atomic.Pointer[map[*known]auth.Principal] // never changed, but replaced
	mu       sync.Mutex                                // of Replace
}

// NewAuthenticator makes an authenticator for requests that v, which is its own from then
// on, lets pass. The principals are by key id; a key without one signs nobody in. IssuedAt
// is, if it is zero, the moment at which the key was first taken in for that user: a user
// who is revoked needs another key.
func NewAuthenticator(v *Verifier, principals map[string]auth.Principal) *Authenticator {
	a := &Authenticator{verifier: v}
	people := a.holders(*v.keys.Load(), principals)
	a.people.Store(&people)
	return a
}

// Replace takes other keys and principals in the place of those of before, as if it were a
// new authenticator. A key that stays goes on where it is: it has used the nonces that it
// has used. If there is an error, nothing has changed.
func (a *Authenticator) Replace(keys []Key, principals map[string]auth.Principal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next, err := a.verifier.known(keys, a.verifier.cfg.Now())
	if err != nil {
		return fmt.Errorf("httpsig.Authenticator.Replace: %w", err)
	}
	people := a.holders(next, principals)
	// A request on its way was proved by a key of before: either it still has a holder, or
	// it signs nobody in.
	a.people.Store(&people)
	a.verifier.keys.Store(&next)
	return nil
}

// holders are the principals by their keys.
func (a *Authenticator) holders(keys map[string]*known, principals map[string]auth.Principal) map[*known]auth.Principal {
	var before map[*known]auth.Principal
	if p := a.people.Load(); p != nil {
		before = *p
	}
	people := make(map[*known]auth.Principal, len(keys))
	for id, key := range keys {
		p, ok := principals[id]
		if !ok {
			continue
		}
		p.KeyID = id
		if old, had := before[key]; p.IssuedAt.IsZero() && had && old.UserID == p.UserID {
			p.IssuedAt = old.IssuedAt
		} else if p.IssuedAt.IsZero() {
			p.IssuedAt = a.verifier.cfg.Now()
		}
		people[key] = p
	}
	return people
}

// AuthenticateRequest implements auth.RequestAuthenticator.
func (a *Authenticator) AuthenticateRequest(r *http.Request) (auth.Principal, error) {
	key, refusal := a.verifier.verify(r)
	if refusal == nil {
		p, ok := (*a.people.Load())[key]
		if ok {
			return p, nil
		}
		refusal = errUnproven()
	}
	return auth.Principal{}, &board.Error{Code: refusal.code(), Message: refusal.Message, Cause: refusal}
}
