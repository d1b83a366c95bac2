package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// tokens signs in whoever shows a token that it knows.
type tokens struct {
	mu    sync.Mutex
	known map[string]auth.Principal
}

func (k *tokens) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, ok := k.known[c.Token]
	if !ok {
		return p, fmt.Errorf("%w: unknown token", auth.ErrUnauthenticated)
	}
	return p, nil
}

func TestC2_SignIn(t *testing.T) {
	ctx := within(t)
	grants := []auth.Grant{{Pattern: "*", Role: auth.Viewer}}
	n := serve(t, dashwire.Config{Authenticator: &tokens{known: map[string]auth.Principal{"good": {UserID: "ana", Grants: grants}}}})
	c := dial(t, ctx, n, client.Options{Token: "good"})
	if c.UserID() != "ana" {
		t.Errorf("signed in as %q", c.UserID())
	}
	var refused *board.Error
	if _, err := c.Subscribe(ctx, "ops", client.Follow{}); !errors.As(err, &refused) || refused.Code != board.CodeNotFound {
		t.Errorf("R6: a viewer asks for what is not there: %v", err)
	}
	_, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true})
	if !errors.As(err, &refused) || refused.Code != board.CodeForbidden && refused.Code != board.CodeNotFound {
		t.Errorf("P1: a viewer edits: %v", err)
	}
	var closed *client.CloseError
	if _, err := client.Dial(ctx, client.Options{URL: n.URL, Token: "bad"}); !errors.As(err, &closed) || closed.Code != 4401 {
		t.Errorf("a bad token: %v", err)
	}
}

// The server asks for a newer token before the old one ends; the client has one, and
// the connection stays.
func TestC3_FreshToken(t *testing.T) {
	ctx := within(t)
	known := &tokens{known: map[string]auth.Principal{
		"old": {UserID: "ana", Expires: time.Now().Add(30 * time.Second)}, "new": {UserID: "ana"},
	}}
	n := serve(t, dashwire.Config{Authenticator: known})
	asked := make(chan struct{})
	var mu sync.Mutex
	times := 0
	dial(t, ctx, n, client.Options{TokenFunc: func(context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if times++; times == 1 {
			return "old", nil
		}
		if times == 2 {
			close(asked)
		}
		return "new", nil
	}})
	select {
	case <-asked:
	case <-ctx.Done():
		t.Fatal("the server did not ask")
	}
	mu.Lock()
	defer mu.Unlock()
	if times != 2 {
		t.Errorf("asked %d times", times)
	}
}
