// Command auth signs people in by itself: a password gives a cookie, the cookie gives a
// user, and the user's role counts on every dashboard whose id begins with "team-".
// Those that begin with the user's own name and a colon are the user's.
//
//	DASHWIRE_USERS=ana:secret:editor,bo:hidden:viewer go run ./examples/auth
//	curl -c jar -d 'user=ana&password=secret' http://localhost:8080/login
//	curl -b jar http://localhost:8080/api/dashboards/team-ops
//
// Programs send the same value as Authorization: Bearer. Put TLS in front before
// passwords go over a network, and set Secure on the cookie then.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ln, err := net.Listen("tcp", "127.0.0.1:8080")
	if err == nil {
		err = run(ctx, ln, "auth.db", os.Getenv("DASHWIRE_USERS"))
	}
	if err != nil {
		slog.Error("auth", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, ln net.Listener, data, list string) (err error) {
	defer ln.Close()
	users, err := parseUsers(list)
	if err != nil {
		return err
	}
	door := &door{users: users, sessions: make(map[string]session)}
	j, err := sqlitejournal.Open(data, sqlitejournal.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	srv, err := dashwire.New(dashwire.Config{Journal: j, Authenticator: door, Authorizer: door, AuthCookie: cookie})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", srv)
	// Pages of other sites may not sign somebody in.
	mux.Handle("POST /login", http.NewCrossOriginProtection().Handler(http.HandlerFunc(door.login)))

	ctx, end := context.WithCancel(ctx)
	defer end()
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- web.Serve(ln)
		end()
	}()
	err = srv.Run(ctx)
	closing, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	err = errors.Join(err, web.Shutdown(closing))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// cookie holds the session; sessionTime is how long it counts.
const (
	cookie      = "session"
	sessionTime = 12 * time.Hour
)

type user struct {
	password [sha256.Size]byte
	role     auth.Role
}

type session struct {
	userID string
	ends   time.Time
}

// door knows the users and who has come in. It is an auth.Authenticator, which says
// who somebody is, and an auth.Authorizer, which says what they may do.
type door struct {
	users map[string]user

	mu       sync.Mutex
	sessions map[string]session // by token
}

// parseUsers reads name:password:role, separated by commas.
func parseUsers(list string) (map[string]user, error) {
	users := make(map[string]user)
	for _, entry := range strings.Split(list, ",") {
		fields := strings.Split(entry, ":")
		if len(fields) != 3 || fields[0] == "" || fields[1] == "" {
			return nil, errors.New("DASHWIRE_USERS is name:password:role, separated by commas")
		}
		role, ok := auth.ParseRole(fields[2])
		if !ok {
			return nil, fmt.Errorf("DASHWIRE_USERS: %q is no role: write viewer, feeder, editor or owner", fields[2])
		}
		users[fields[0]] = user{sha256.Sum256([]byte(fields[1])), role}
	}
	return users, nil
}

// login takes a name and a password and gives the cookie.
func (d *door) login(w http.ResponseWriter, r *http.Request) {
	name, given := r.PostFormValue("user"), sha256.Sum256([]byte(r.PostFormValue("password")))
	u, known := d.users[name]
	if subtle.ConstantTimeCompare(u.password[:], given[:]) != 1 || !known {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	token, ends := rand.Text(), time.Now().Add(sessionTime)
	d.mu.Lock()
	d.sessions[token] = session{name, ends}
	d.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: token, Path: "/", Expires: ends, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	w.WriteHeader(http.StatusNoContent)
}

// Authenticate implements auth.Authenticator.
func (d *door) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.sessions[c.Token]
	switch {
	case !ok:
		return auth.Principal{}, fmt.Errorf("%w: there is no such session", auth.ErrUnauthenticated)
	case time.Now().After(s.ends):
		delete(d.sessions, c.Token)
		return auth.Principal{}, fmt.Errorf("%w: the session has ended", auth.ErrUnauthenticated)
	}
	return auth.Principal{UserID: s.userID, Expires: s.ends}, nil
}

// Role implements auth.Authorizer. It is asked on every message, so that a role that
// changes counts at once.
func (d *door) Role(_ context.Context, p auth.Principal, dashboardID string) (auth.Role, error) {
	owner, _, private := strings.Cut(dashboardID, ":") // no name has a colon in it
	switch {
	case private && owner == p.UserID:
		return auth.Owner, nil
	case !private && strings.HasPrefix(dashboardID, "team-"):
		return d.users[p.UserID].role, nil
	default:
		return auth.None, nil // looks as if there were no such dashboard (R6)
	}
}
