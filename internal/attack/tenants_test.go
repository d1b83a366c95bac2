package attack

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
)

var (
	tenantsSeed = flag.Uint64("tenants.seed", 0, "seed of the traffic of two tenants; 0 = another each time")
	tenantsFor  = flag.Duration("tenants.for", 2*time.Second, "how long two tenants work side by side")
)

// tenant is some users of the dashboards whose ids begin alike. Everything that they
// write or are called holds marker, so that it can be told wherever it turns up.
type tenant struct {
	prefix string // of dashboards
	marker string
	// known are dashboards whose ids others can guess, others have the marker in theirs.
	known, hidden []string
	actors        []*actor

	mu    sync.Mutex
	heard map[string]int  // how often the own marker came in, by kind of answer
	named map[string]bool // sessions and epochs that were heard of
	leaks []string        // what came in of another tenant
	event string          // id of the last event of a stream
}

var (
	namesOf = regexp.MustCompile(`"(?:sessionId|epoch)":"([^"]+)"`)
	encoded = regexp.MustCompile(`[A-Za-z0-9_-]{16,}`)
)

// hears takes note of text that came from the server to a user of the tenant.
func (t *tenant) hears(kind, text string, others []*tenant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if strings.Contains(text, t.marker) {
		t.heard[kind]++
	}
	for _, m := range namesOf.FindAllStringSubmatch(text, -1) {
		t.named[m[1]] = true
	}
	if id, ok := strings.CutPrefix(text, "id: "); ok && kind == "stream" {
		t.event = strings.TrimSpace(id)
	}
	plain := text
	for _, word := range encoded.FindAllString(text, -1) {
		if bytes, err := base64.RawURLEncoding.DecodeString(word); err == nil {
			plain += " " + string(bytes)
		}
	}
	for _, o := range others {
		if o != t && strings.Contains(plain, o.marker) {
			t.leaks = append(t.leaks, kind+": "+text)
		}
	}
}

// lastEvent is the id of an event that one of the tenant's streams has had.
func (t *tenant) lastEvent() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.event
}

func (t *tenant) hasHeard(kind string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heard[kind] > 0
}

// besides are two tenants on one server, with users of each role.
type besides struct {
	t       *testing.T
	x       *target
	tenants []*tenant
}

func twoTenants(t *testing.T, x *target, seed uint64) *besides {
	t.Helper()
	b := &besides{t: t, x: x}
	root := bearer(token(t, "root", "*=owner"))
	for i, prefix := range []string{"a-", "b-"} {
		n := &tenant{
			prefix: prefix, marker: fmt.Sprintf("MARK%dx%08x", i, rand.New(rand.NewPCG(seed, uint64(i))).Uint32()),
			heard: map[string]int{}, named: map[string]bool{},
		}
		for j := range 3 {
			n.known = append(n.known, fmt.Sprintf("%sknown-%d", prefix, j))
			n.hidden = append(n.hidden, fmt.Sprintf("%s%s-%d", prefix, n.marker, j))
		}
		for _, id := range append(append([]string{}, n.known...), n.hidden...) {
			x.must(http.StatusCreated, "POST", "/api/dashboards", fmt.Sprintf(
				`{"id":%q,"title":"title %s","document":{"settings":{"%[2]s":1},"widgets":{"cpu":{"type":"stat","title":%[2]q}},"layouts":{}}}`, id, n.marker), root)
		}
		for j, role := range []string{"owner", "editor", "feeder", "viewer"} {
			user := fmt.Sprintf("%s.%s", n.marker, role)
			n.actors = append(n.actors, &actor{
				b: b, of: n, user: user, token: token(t, user, prefix+"*="+role), role: role,
				rand: rand.New(rand.NewPCG(seed, uint64(100+10*i+j))),
			})
		}
		b.tenants = append(b.tenants, n)
	}
	return b
}

// work lets everybody work side by side: each does everything once, in an order of its
// own, and then what comes, for some time.
func (b *besides) work(during time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	until := time.Now().Add(during)
	var acting, listening sync.WaitGroup
	for _, n := range b.tenants {
		for _, a := range n.actors {
			listening.Go(func() { a.listen(ctx) })
			acting.Go(func() {
				if err := a.act(until); err != nil {
					b.t.Errorf("%s: %v", a.user, err)
				}
			})
		}
	}
	acting.Wait()
	for _, n := range b.tenants {
		if err := n.finish(); err != nil {
			b.t.Errorf("tenant %s: %v", n.prefix, err)
		}
	}
	cancel()
	listening.Wait()
}

// finish has an owner do once more what others hear of, and a viewer hear all of it, so
// that every kind of message was there to leak.
func (t *tenant) finish() error {
	owner, viewer := t.actors[0], t.actors[3]
	if err := errors.Join(viewer.reconnect(), owner.reconnect()); err != nil {
		return err
	}
	fill := func(format string) string {
		return strings.NewReplacer("{id}", t.known[0], "{copy}", t.prefix+t.marker+"-last", "{text}", t.marker).Replace(format)
	}
	for _, m := range []struct{ kind, payload string }{
		{"WIDGET_UPDATE", `{"dashboardId":"{id}","widgetId":"cpu","policy":"overwrite","set":{"/title":"last {text}"}}`},
		{"WIDGET_UPDATE", `{"dashboardId":"{id}","widgetId":"cpu","baseVersion":0,"policy":"ask","set":{"/title":"clash {text}"}}`},
		{"DASHBOARD_UPDATE", `{"dashboardId":"{id}","policy":"overwrite","set":{"/title":"last {text}"}}`},
		{"WIDGET_BATCH", `{"dashboardId":"{id}","operations":[{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/note":"last {text}"}}]}`},
	} {
		if err := owner.ask(m.kind, "%s", fill(m.payload)); err != nil {
			return err
		}
	}
	if err := errors.Join(
		owner.tell("WIDGET_DATA", "%s", fill(`{"dashboardId":"{id}","widgetId":"cpu","data":"last {text}"}`)),
		owner.tell("PRESENCE", "%s", fill(`{"dashboardId":"{id}","state":"last {text}"}`)),
		owner.request("duplicate", "POST", fill("/api/dashboards/{id}/duplicate"), fill(`{"id":"{copy}"}`)),
		owner.request("import", "POST", fill("/api/dashboards/import?replace&id={id}"), fill(`{"document":{"settings":{"title":"{text}"},"widgets":{"cpu":{"title":"{text}"}},"layouts":{}}}`)),
		owner.request("get", "GET", fill("/api/dashboards/{id}"), ""),
		owner.request("history", "GET", fill("/api/dashboards/{id}/history"), ""),
		owner.request("export", "GET", fill("/api/dashboards/{id}/export"), ""),
		owner.request("list", "GET", "/api/dashboards", ""),
		owner.request("POST SYNC", "POST", "/api/realtime", fill(`{"type":"SYNC","since":{"{id}":null}}`)),
		owner.message(viewer.user),
	); err != nil {
		return err
	}
	for _, kind := range []string{"WIDGET_UPDATE", "DASHBOARD_UPDATE", "WIDGET_BATCH", "WIDGET_DATA", "PRESENCE", "APP_MESSAGE"} {
		if t.hasHeard(kind) {
			continue
		}
		if err := viewer.hearUntil(func(*message) bool { return t.hasHeard(kind) }); err != nil {
			return fmt.Errorf("waiting for %s: %w", kind, err)
		}
	}
	return nil
}

// leaks are all signs of one tenant that another has heard.
func (b *besides) leaks() (all []string) {
	for i, n := range b.tenants {
		all = append(all, n.leaks...)
		for _, o := range b.tenants[i+1:] {
			for name := range n.named {
				if o.named[name] {
					all = append(all, fmt.Sprintf("both tenants have heard of the session or epoch %q", name))
				}
			}
		}
	}
	return all
}

// TestAttack_201_TwoTenants: two tenants with users of every role do everything that
// can be done, with each other's ids too, at the same time; no byte that reaches a user
// of one, by WebSocket, stream or request, is of the other.
func TestAttack_201_TwoTenants(t *testing.T) {
	seed := *tenantsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test ./internal/attack -run %s -tenants.seed %d -tenants.for %s", t.Name(), seed, *tenantsFor)
	x := attacked(t)
	b := twoTenants(t, x, seed)
	b.work(*tenantsFor)
	for i, leak := range b.leaks() {
		if i < 10 {
			t.Errorf("a leak: %.600s", leak)
		}
	}
	// What a tenant heard of itself shows that there was something to be told.
	for _, n := range b.tenants {
		for _, kind := range []string{
			"WIDGET_UPDATE", "WIDGET_BATCH", "DASHBOARD_UPDATE", "PRESENCE", "WIDGET_DATA", "SYNC_RESPONSE", "APP_MESSAGE", "CONFLICT_DETECTED",
			"stream", "resumed", "POST SYNC", "list", "get", "history", "export", "duplicate", "import",
		} {
			if n.heard[kind] == 0 {
				t.Errorf("nothing of its own came to tenant %s by %s: %v", n.prefix, kind, n.heard)
			}
		}
		t.Logf("tenant %s heard of itself %v", n.prefix, n.heard)
	}
	x.healthy()
}

// lax lets the viewers of one tenant see one dashboard of the other.
type lax struct{}

func (lax) Role(_ context.Context, p auth.Principal, id string) (auth.Role, error) {
	if strings.HasSuffix(p.UserID, ".viewer") && strings.HasSuffix(id, "known-1") {
		return auth.Viewer, nil
	}
	return p.RoleOn(id), nil
}

// TestTwoTenantsNoticeALeak: on a server that does leak, the test above would fail.
func TestTwoTenantsNoticeALeak(t *testing.T) {
	x := attacked(t, func(c *dashwire.Config) { c.Authorizer = lax{} })
	b := twoTenants(t, x, 1)
	b.work(0)
	if len(b.leaks()) == 0 {
		t.Fatal("nothing was noticed")
	}
}

var errEnded = errors.New("the session has ended")
