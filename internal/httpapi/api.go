package httpapi

import (
	"crypto/cipher"
	"fmt"
	"io"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
)

// API answers requests. It may be used by any number of goroutines at once.
type API struct {
	cfg     Config
	origins map[string]struct{} // AllowedOrigins as normalOrigin writes them
	limits  *limiter
	seal    cipher.AEAD // of cursors that would tell ids
	mux     *http.ServeMux
	admin   *http.ServeMux
	// refusals are logged now and then only: while a disk is full each write is one.
	refusals clock.Seldom

	// Where sign-in is off: the principals of who gives no name, from elsewhere and from
	// this machine. Sessions hold on to theirs, so they share them.
	anonymous, anonymousHere *auth.Principal
}

// New makes the interface. It panics if an allowed origin is none: check settings
// with ValidOrigin first.
func New(cfg Config) *API {
	cfg.defaults()
	a := &API{
		cfg: cfg, origins: make(map[string]struct{}), seal: newSeal(), mux: http.NewServeMux(), admin: http.NewServeMux(),
		refusals: clock.Seldom{Every: 10 * time.Second},
	}
	for _, o := range cfg.AllowedOrigins {
		if !ValidOrigin(o) {
			panic(fmt.Sprintf("httpapi: %q is no origin", o))
		}
		a.origins[normalOrigin(o)] = struct{}{}
	}
	a.limits = newLimiter(&a.cfg)
	a.anonymous, a.anonymousHere = local(auth.Anonymous, false), local(auth.Anonymous, true)
	for _, route := range routes {
		a.mux.HandleFunc(route.method+" "+route.pattern, func(w http.ResponseWriter, r *http.Request) {
			a.newRequest(w, r, route).serve(route.access)
		})
		if route.access != forUsers {
			a.admin.HandleFunc(route.method+" "+route.pattern, func(w http.ResponseWriter, r *http.Request) {
				a.newRequest(w, r, route).serve(forProbes)
			})
		}
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.newRequest(w, r, route{pattern: "/"}).other(a.mux) })
	a.admin.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.newRequest(w, r, route{pattern: "/"}).other(a.admin) })
	return a
}

// ValidOrigin reports whether s is an origin as browsers write it.
func ValidOrigin(s string) bool { return normalOrigin(s) != "" }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handle(a.mux, w, r) }

// Admin is the part for operators without a check of rights, for a listener of its
// own that only they reach (H4).
func (a *API) Admin() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.handle(a.admin, w, r) })
}

// What is read of a body once its request is answered, before the connection closes or the
// next request is taken.
const (
	// restWithin is how long it may take to come.
	restWithin = 5 * time.Second
	// maxRest is how much there may be, as in net/http. With more the answer goes out at once.
	maxRest = 256 << 10
)

func (a *API) handle(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	defer ReadRest(w, r, a.cfg.Clock)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if reserved(r.URL.Path) {
		noPage(h)
	}
	q := a.newRequest(w, r, route{pattern: "/"})
	defer q.recover()
	if r.ContentLength != 0 && upgrades(r) {
		// A proxy would take the first frames for the body, and the deadline above must
		// not end a session.
		q.fail(problemf(board.CodeBadMessage, "a request for a WebSocket has no body: send it without one"))
		return
	}
	if p := q.checkLocal(); p != nil {
		q.fail(p)
		return
	}
	if a.crossOrigin(w, r) {
		return
	}
	if reserved(r.URL.Path) && !canonical(r) {
		q.fail(problemf(board.CodeNotFound, "there is nothing under a path written so: an id has A–Z a–z 0–9 . _ : - only, no segment is empty or dots alone, and nothing but a colon is escaped"))
		return
	}
	mux.ServeHTTP(w, r)
}

// ReadRest, deferred by a handler, reads what that has left of a body, for five seconds at
// most: closing a connection before all has come would reset it, and the client lose the
// answer while it still sends. That net/http does by itself, for as long as it takes, but
// not for a request that wants the connection closed, as those of many proxies do
// (HTTP/1.0). Who waits to be asked for the body has not sent it.
func ReadRest(w http.ResponseWriter, r *http.Request, c clock.Clock) {
	if r.ContentLength == 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(c.Now().Add(restWithin)) // where it can be set
	if r.Close && r.Header.Get("Expect") == "" {
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxRest))
	}
}

// noPage keeps an answer from being used as a page, in a frame or as a part of another
// site's page: it is read by programs.
func noPage(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// recover answers a request whose handler panicked.
func (q *request) recover() {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	q.fail(q.internal(fmt.Errorf("panic: %v\n%s", v, debug.Stack())))
}

// reserved reports whether a path is the interface's own, however it is written.
func reserved(p string) bool {
	p = path.Clean("/" + p)
	for _, own := range [...]string{"/api", "/metrics", "/healthz", "/readyz"} {
		if p == own || strings.HasPrefix(p, own+"/") {
			return true
		}
	}
	return false
}

// colons are what clients may write as an escape: an id may hold one (D2), and the
// usual functions escape it.
var colons = strings.NewReplacer("%3A", ":", "%3a", ":")

// canonical reports whether the path is written in the way that is served: no other
// escapes, no empty or dot segments.
func canonical(r *http.Request) bool {
	return colons.Replace(r.URL.EscapedPath()) == r.URL.Path && path.Clean(r.URL.Path) == r.URL.Path
}

// other answers what no route does: a page, another method, or nothing.
func (q *request) other(mux *http.ServeMux) {
	var methods []string
	for _, m := range [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r := *q.r
		r.Method = m
		if _, pattern := mux.Handler(&r); pattern != "/" && pattern != "" {
			methods = append(methods, m)
		}
	}
	switch {
	case len(methods) > 0:
		if slices.Contains(methods, http.MethodGet) {
			methods = append(methods, http.MethodHead)
		}
		p := problemf(board.CodeBadMessage, "%s is not for this path; use %s", shown(q.r.Method), strings.Join(methods, ", ")).with(http.StatusMethodNotAllowed)
		p.allow = strings.Join(methods, ", ")
		q.fail(p)
	case mux == q.api.mux && q.api.cfg.Pages != nil && !reserved(q.r.URL.Path):
		q.api.cfg.Pages.ServeHTTP(q.w, q.r)
	default:
		q.fail(q.unknown())
	}
}

// unknown is the answer to a path that is not there.
func (q *request) unknown() *problem {
	return problemf(board.CodeNotFound, "there is nothing under this path; /api/openapi.json lists what there is")
}
