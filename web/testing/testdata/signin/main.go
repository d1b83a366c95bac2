// Command signin is a server with sign-in, for the tests of the client. A token is
// user.role.end, where end is in milliseconds since 1970; the role counts on every
// dashboard whose id does not begin with "secret". The token "away" cannot be checked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen string) error {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	srv, err := dashwire.New(dashwire.Config{
		Journal: memjournal.New(memjournal.Options{}), Authenticator: door{}, Authorizer: door{}, Drain: 300 * time.Millisecond,
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	web := &http.Server{Handler: srv, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }()
	err = srv.Run(ctx)
	err = errors.Join(err, web.Close())
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// door knows everybody.
type door struct{}

// Authenticate implements auth.Authenticator.
func (door) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	if c.Token == "away" {
		return auth.Principal{}, errors.New("the directory is away")
	}
	fields := strings.Split(c.Token, ".")
	if len(fields) != 3 {
		return auth.Principal{}, fmt.Errorf("%w: a token is user.role.end", auth.ErrUnauthenticated)
	}
	role, known := auth.ParseRole(fields[1])
	ms, err := strconv.ParseInt(fields[2], 10, 64)
	end := time.UnixMilli(ms)
	if !known || err != nil || time.Now().After(end) {
		return auth.Principal{}, fmt.Errorf("%w: no such role, or too old", auth.ErrUnauthenticated)
	}
	grants := []auth.Grant{{Pattern: "*", Role: role}}
	return auth.Principal{UserID: fields[0], Grants: grants, Expires: end}, nil
}

// Role implements auth.Authorizer.
func (door) Role(_ context.Context, p auth.Principal, dashboardID string) (auth.Role, error) {
	if strings.HasPrefix(dashboardID, "secret") {
		return auth.None, nil
	}
	return p.RoleOn(dashboardID), nil
}
