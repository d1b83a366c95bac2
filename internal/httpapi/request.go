package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/observe"
)

// The headers of the interface.
const (
	keyHeader     = "Idempotency-Key"  // the op id (M8)
	baseHeader    = "Dashwire-Base"    // baseVersion (M2)
	policyHeader  = "Dashwire-Policy"  // policy (M6)
	clientHeader  = "Dashwire-Client"  // the client that writes (C6)
	sessionHeader = "Dashwire-Session" // the event stream that a POST speaks for (H2)
)

// request is one request on its way. It belongs to its handler's goroutine.
type request struct {
	api    *API
	w      http.ResponseWriter
	r      *http.Request
	route  string // for the log
	handle func(*request) *problem

	id        string // made when first asked for
	remote    string
	address   ratelimit.Address // of remote, for the limits per address; 0 = not counted
	params    url.Values
	principal *auth.Principal // nobody until signed in; not changed
	signedIn  bool
	turn      *lane.Turn  // in which it is worked on; nil = at once
	source    auth.Source // of the token that signIn has looked at, "" if there is none
}

// nobody is who has not signed in.
var nobody = &auth.Principal{}

func (a *API) newRequest(w http.ResponseWriter, r *http.Request, to route) *request {
	q := &request{api: a, w: w, r: r, principal: nobody, route: to.method + " " + to.pattern, handle: to.handle}
	q.remote, q.address = a.client(r)
	return q
}

// ID names the request in its problem document and in the log.
func (q *request) ID() string {
	if q.id == "" {
		q.id = q.api.cfg.NewID()
	}
	return q.id
}

// query is the parsed query; what cannot be parsed of it is left out.
func (q *request) query() url.Values {
	if q.params == nil {
		q.params = q.r.URL.Query()
	}
	return q.params
}

// serve checks what has to be checked before the handler and answers what it refuses.
func (q *request) serve(to access) {
	defer q.recover()
	if to != forProbes {
		if p := q.countRequest(); p != nil {
			q.fail(p)
			return
		}
		var lent bool
		if q.turn, lent = q.api.cfg.Lane.Continue(q.r.Context(), uint64(q.address)); !lent {
			defer q.turn.Leave()
		}
	}
	if p := q.admit(to); p != nil {
		q.fail(p)
		return
	}
	if p := q.handle(q); p != nil {
		q.fail(p)
	}
}

func (q *request) admit(to access) *problem {
	if q.changes() || upgrades(q.r) {
		if p := q.checkOrigin(); p != nil {
			return p
		}
	}
	switch to {
	case forUsers:
		if p := q.takeMemory(); p != nil {
			return p
		}
		if p := q.requireSignIn(); p != nil {
			return p
		}
	case forAdmins:
		if p := q.requireAdmin(); p != nil {
			return p
		}
	default:
		return nil
	}
	return q.count(1, int(max(q.r.ContentLength, 0)))
}

// count takes the request's cost, or that of n ops in it, out of its user's rate (C8).
func (q *request) count(n, bytes int) *problem {
	key := "user:" + q.principal.UserID
	if !q.signedIn || q.principal.UserID == auth.Anonymous {
		key = q.addressKey()
	}
	return q.api.limits.take(key, q.api.cfg.Clock.Now(), n, bytes)
}

// addressKey is the key of who has not signed in.
func (q *request) addressKey() string {
	if addr, err := netip.ParseAddr(q.remote); err == nil {
		return fmt.Sprint("addr:", ratelimit.AddressOf(addr))
	}
	return "addr:"
}

// changes reports whether the request's method may change something.
func (q *request) changes() bool {
	switch q.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// upgrades reports whether a request asks for a WebSocket.
func upgrades(r *http.Request) bool {
	for _, line := range r.Header.Values("Upgrade") {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "websocket") {
				return true
			}
		}
	}
	return false
}

// bodyWithin is how long a body may take to come.
const bodyWithin = 30 * time.Second

// body reads the body, at most limit bytes of it. Programs other than browsers may
// leave the content type as their library has it; with any sign of a browser it must
// be one of types (H1).
func (q *request) body(limit int, types ...string) ([]byte, *problem) {
	if p := q.checkType(types); p != nil {
		return nil, p
	}
	ctl := http.NewResponseController(q.w)
	_ = ctl.SetReadDeadline(q.api.cfg.Clock.Now().Add(bodyWithin)) // where it can be set
	q.turn.Leave()
	data, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, int64(limit)))
	q.turn.Return()
	_ = ctl.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problemf(board.CodeTooLarge, "the body may have %d bytes: send less", limit).over(observe.LimitBodyBytes)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problemf(board.CodeBadMessage, "the body did not come within %s: send it again", bodyWithin).with(http.StatusRequestTimeout).over(observe.LimitBodyTime)
	case err != nil:
		return nil, problemf(board.CodeBadMessage, "the body broke off: send it again")
	}
	if q.api.cfg.Authenticator != nil && q.signedIn && q.api.cfg.Sessions.Revoked(q.principal) {
		return nil, refused(errTokenRevoked) // while the body came
	}
	if q.r.ContentLength < 0 { // it was not counted before
		if p := q.count(0, len(data)); p != nil {
			return nil, p
		}
	}
	return data, nil
}

func (q *request) checkType(types []string) *problem {
	h := q.r.Header
	if e := h.Get("Content-Encoding"); e != "" && e != "identity" {
		return problemf(board.CodeBadMessage, "bodies are not compressed: send it as it is").with(http.StatusUnsupportedMediaType)
	}
	if h.Get("Origin") == "" && h.Get("Sec-Fetch-Site") == "" && h.Get("Cookie") == "" {
		return nil
	}
	got, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	for _, t := range types {
		if got == t {
			return nil
		}
	}
	return problemf(board.CodeBadMessage, "the content type must be %s", strings.Join(types, " or ")).with(http.StatusUnsupportedMediaType)
}

// Content types of bodies.
const (
	typeJSON  = "application/json"
	typePatch = "application/merge-patch+json"
)

// maxBodyDepth is how deep a body may nest: what may be stored (D4) and what is around it.
const maxBodyDepth = board.MaxDepth + 8

// object reads the body as one canonical JSON object. An empty body is {} if it may be.
func (q *request) object(limit int, mayBeEmpty bool, types ...string) (board.Value, *problem) {
	data, p := q.body(limit, types...)
	if p != nil {
		return "", p
	}
	if len(data) == 0 && mayBeEmpty {
		return "{}", nil
	}
	v, err := canonicalBody(data)
	if err != nil {
		return "", refused(err)
	}
	if !v.IsObject() {
		return "", problemf(board.CodeBadMessage, "the body is no JSON object: send one")
	}
	return v, nil
}

// canonicalBody reads one JSON value of at most maxBodyDepth.
func canonicalBody(data []byte) (board.Value, *board.Error) {
	err := jsontext.Check(data, jsontext.Limits{Depth: maxBodyDepth})
	var canonical []byte
	if err == nil {
		canonical, err = jsontext.Canonicalize(data)
	}
	var bad *jsontext.Error
	switch {
	case err == nil:
		return board.Value(canonical), nil
	case errors.As(err, &bad) && bad.Reason == jsontext.ReasonDepth:
		return "", (&board.Error{Code: board.CodeInvalidValue, Message: bad.Message, Cause: err}).At(bad.Path).Over(board.LimitDepth)
	case bad != nil && bad.Reason != jsontext.ReasonSyntax:
		return "", (&board.Error{Code: board.CodeInvalidValue, Message: bad.Message, Cause: err}).At(bad.Path)
	case bad != nil:
		return "", (&board.Error{Code: board.CodeBadMessage, Message: bad.Message, Cause: err}).At(bad.Path)
	}
	return "", &board.Error{Code: board.CodeBadMessage, Message: "the body is no valid JSON: send one object", Cause: err}
}

// decode reads the body, one JSON object, into a struct. Members that it does not have
// are refused: a wrong spelling must not be taken as an absent setting.
func (q *request) decode(into any, limit int, mayBeEmpty bool) *problem {
	v, p := q.object(limit, mayBeEmpty, typeJSON)
	if p != nil {
		return p
	}
	if err := jsontext.Decode([]byte(v), into, jsontext.RejectUnknown()); err != nil {
		return badBody(err)
	}
	return nil
}

// badBody is the answer to a body that cannot be read.
func badBody(err error) *problem {
	e := &board.Error{Code: board.CodeBadMessage, Message: "the body is not as this path needs it", Cause: err}
	var bad *jsontext.Error
	if errors.As(err, &bad) {
		e.Message, e.Path = bad.Message, bad.Path
	}
	return refused(e)
}

// dashboardID is the id in the path.
func (q *request) dashboardID() (string, *problem) { return q.pathID("id", "dashboard") }

func (q *request) pathID(name, kind string) (string, *problem) {
	id := q.r.PathValue(name)
	if err := board.CheckID(kind, id); err != nil {
		return "", refused(err)
	}
	return id, nil
}

// pathVersion is the version in the path.
func (q *request) pathVersion() (uint64, *problem) {
	v, ok := parseVersion(q.r.PathValue("version"))
	if !ok {
		return 0, problemf(board.CodeBadVersion, "a version is a whole number from 0: ask for one")
	}
	return v, nil
}

// maxVersion is the highest version (a JavaScript number holds it exactly).
const maxVersion = 1<<53 - 1

func parseVersion(s string) (uint64, bool) {
	v, err := strconv.ParseUint(s, 10, 64)
	return v, err == nil && v <= maxVersion
}

// flag reads a boolean query parameter; absent is false, "" as in "?x" is true.
func (q *request) flag(name string) (bool, *problem) {
	if !q.query().Has(name) {
		return false, nil
	}
	switch q.query().Get(name) {
	case "true", "1", "":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, problemf(board.CodeBadMessage, "%s is true or false: send one of them", name).at(name)
}

// number reads a query parameter from low to high.
func (q *request) number(name string, low, high, absent int) (int, *problem) {
	s := q.query().Get(name)
	if s == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, problemf(board.CodeBadMessage, "%s is a whole number from %d to %d: send one", name, low, high).at(name)
	}
	return n, nil
}

// answer sends JSON with a status.
func (q *request) answer(status int, body []byte) {
	h := q.w.Header()
	h.Set("Content-Type", typeJSON)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	q.w.WriteHeader(status)
	q.send(body)
}

// answerValue sends a Go value as JSON.
func (q *request) answerValue(status int, v any) *problem {
	body, err := jsontext.Encode(v)
	if err != nil {
		return q.internal(err)
	}
	q.answer(status, body)
	return nil
}

// send writes a body whose header is out. A client that has gone misses it.
func (q *request) send(body []byte) {
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body)
	}
}
