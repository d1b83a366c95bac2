package auth

import (
	"context"
	"fmt"
	"net/http"
)

// RequestAuthenticator tells who has signed a request, for programs that sign each of
// theirs instead of carrying a token (C2). It is asked for requests with a Signature or
// Signature-Input header, and these are looked at no further if it refuses them.
//
// r's URL has scheme and path as the client used them, and Host is what the client
// asked for, also behind a trusted proxy. A method that reads the body puts one in its
// place that can be read again. If the error is or wraps a *board.Error, the client
// hears its message; otherwise errors are those of [Authenticator]. It may be called by
// any number of goroutines at once.
type RequestAuthenticator interface {
	AuthenticateRequest(r *http.Request) (Principal, error)
}

// NoTokens is the Authenticator of a server that takes signed requests alone.
type NoTokens struct{}

// Authenticate implements Authenticator.
func (NoTokens) Authenticate(context.Context, Credentials) (Principal, error) {
	return Principal{}, fmt.Errorf("%w: this server takes signed requests, and no tokens", ErrUnauthenticated)
}
