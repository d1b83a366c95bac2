package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// actor is a user at work: one session, requests beside it, and a stream.
type actor struct {
	b     *besides
	of    *tenant
	user  string
	role  string
	token string
	rand  *rand.Rand

	s       *socket
	serial  int
	epoch   string // last heard of
	version uint64
}

// other is the tenant beside the actor's own.
func (a *actor) other() *tenant {
	for _, n := range a.b.tenants {
		if n != a.of {
			return n
		}
	}
	return nil
}

// dashboard is an id to try: most are the tenant's own, some the other's, or nobody's.
func (a *actor) dashboard() string {
	switch n := a.rand.IntN(10); {
	case n < 3:
		return a.of.known[a.rand.IntN(len(a.of.known))]
	case n < 6:
		return a.of.hidden[a.rand.IntN(len(a.of.hidden))]
	case n < 9:
		return a.other().known[a.rand.IntN(len(a.other().known))]
	}
	return a.of.prefix + "absent"
}

// own is one of the tenant's own that is never deleted.
func (a *actor) own() string { return a.of.known[0] }

// text is a value with the tenant's marker.
func (a *actor) text() string { return fmt.Sprintf(`"%s %d"`, a.of.marker, a.rand.IntN(1000)) }

// steps are all that an actor can do.
var steps = []func(*actor) error{
	// Sessions.
	func(a *actor) error { return a.ask("SYNC_REQUEST", `{"dashboardId":%q}`, a.dashboard()) },
	func(a *actor) error { return a.ask("SYNC_REQUEST", `{"dashboardId":%q}`, a.other().known[1]) },
	func(a *actor) error {
		return a.ask("SYNC_REQUEST", `{"dashboardId":%q,"since":{"epoch":%q,"version":%d}}`, a.dashboard(), a.epoch, a.version/2)
	},
	func(a *actor) error {
		return a.ask("SYNC_REQUEST", `{"dashboardId":%q,"unsubscribe":true}`, a.dashboard())
	},
	func(a *actor) error {
		return a.ask("WIDGET_UPDATE", `{"dashboardId":%q,"widgetId":"cpu","set":{"/title":%s}}`, a.dashboard(), a.text())
	},
	func(a *actor) error {
		return a.ask("WIDGET_UPDATE", `{"dashboardId":%q,"widgetId":"w%d","create":true,"set":{"/title":%s,"/config/%s":1}}`, a.dashboard(), a.rand.IntN(20), a.text(), a.of.marker)
	},
	func(a *actor) error {
		return a.ask("WIDGET_UPDATE", `{"dashboardId":%q,"widgetId":"w%d","restore":true,"changes":{"note":%s}}`, a.dashboard(), a.rand.IntN(20), a.text())
	},
	func(a *actor) error { // a clash for a person to decide
		return a.ask("WIDGET_UPDATE", `{"dashboardId":%q,"widgetId":"cpu","baseVersion":0,"policy":"ask","set":{"/title":%s}}`, a.own(), a.text())
	},
	func(a *actor) error { // undo
		return a.ask("WIDGET_UPDATE", `{"dashboardId":%q,"widgetId":"cpu","policy":"skip","set":{"/title":%s},"prev":{"/title":%s}}`, a.dashboard(), a.text(), a.text())
	},
	func(a *actor) error {
		return a.ask("CONFLICT_RESOLVED", `{"dashboardId":%q,"widgetId":"cpu","conflictId":"op-1","baseVersion":1,"choice":"mine","set":{"/title":%s}}`, a.dashboard(), a.text())
	},
	func(a *actor) error {
		return a.ask("WIDGET_DELETE", `{"dashboardId":%q,"widgetId":"w%d"}`, a.dashboard(), a.rand.IntN(20))
	},
	func(a *actor) error {
		return a.ask("WIDGET_BATCH", `{"dashboardId":%q,"atomic":false,"operations":[{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/note":%s}},{"type":"DASHBOARD_UPDATE","set":{"/note":%s}},{"type":"WIDGET_DELETE","widgetId":"w1"}]}`, a.dashboard(), a.text(), a.text())
	},
	func(a *actor) error {
		return a.ask("LAYOUT_UPDATE", `{"dashboardId":%q,"moved":{"cpu":{"x":%d},"%s":{"x":1}}}`, a.dashboard(), a.rand.IntN(10), a.of.marker)
	},
	func(a *actor) error {
		return a.ask("LAYOUT_RESTORE", `{"dashboardId":%q,"toVersion":1}`, a.dashboard())
	},
	func(a *actor) error {
		return a.ask("DASHBOARD_UPDATE", `{"dashboardId":%q,"set":{"/title":%s}}`, a.own(), a.text())
	},
	func(a *actor) error {
		return a.tell("PRESENCE", `{"dashboardId":%q,"state":{"name":%s}}`, a.dashboard(), a.text())
	},
	func(a *actor) error {
		return a.tell("WIDGET_DATA", `{"dashboardId":%q,"widgetId":"cpu","data":%s}`, a.dashboard(), a.text())
	},
	func(a *actor) error {
		return a.tell("WIDGET_DATA", `{"dashboardId":%q,"values":{"cpu":{"data":[%s],"mode":"append","window":5},"%s":{"data":1}}}`, a.own(), a.text(), a.of.marker)
	},
	(*actor).reconnect,

	// Requests.
	func(a *actor) error { return a.request("list", "GET", "/api/dashboards?limit=2", "") },
	func(a *actor) error { return a.request("list", "GET", "/api/dashboards?deleted&q=MARK", "") },
	func(a *actor) error { return a.request("get", "GET", "/api/dashboards/"+a.dashboard(), "") },
	func(a *actor) error {
		return a.request("history", "GET", "/api/dashboards/"+a.dashboard()+"/history?limit=20", "")
	},
	func(a *actor) error {
		return a.request("audit", "GET", "/api/dashboards/"+a.dashboard()+"/audit?limit=20", "")
	},
	func(a *actor) error {
		return a.request("version", "GET", fmt.Sprintf("/api/dashboards/%s/versions/%d", a.dashboard(), a.rand.IntN(9)), "")
	},
	func(a *actor) error {
		return a.request("version", "PUT", "/api/dashboards/"+a.dashboard()+"/versions/1", `{"name":`+a.text()+`}`)
	},
	func(a *actor) error {
		return a.request("version", "GET", "/api/dashboards/"+a.dashboard()+"/versions", "")
	},
	func(a *actor) error {
		return a.request("export", "GET", "/api/dashboards/"+a.dashboard()+"/export", "")
	},
	func(a *actor) error {
		return a.request("export", "GET", "/api/dashboards/"+a.dashboard()+"/export?format=grafana", "")
	},
	func(a *actor) error {
		return a.request("duplicate", "POST", "/api/dashboards/"+a.dashboard()+"/duplicate", fmt.Sprintf(`{"id":"%s%s-copy-%d"}`, a.of.prefix, a.of.marker, a.rand.Uint32()))
	},
	func(a *actor) error { // into the other's
		return a.request("duplicate", "POST", "/api/dashboards/"+a.own()+"/duplicate", fmt.Sprintf(`{"id":%q}`, a.other().known[2]))
	},
	func(a *actor) error {
		return a.request("import", "POST", "/api/dashboards/import", fmt.Sprintf(`{"uid":"%sgrafana","title":%s,"panels":[],"schemaVersion":39}`, a.of.prefix, a.text()))
	},
	func(a *actor) error {
		return a.request("import", "POST", "/api/dashboards/import?replace&id="+a.dashboard(), `{"document":{"settings":{"title":`+a.text()+`},"widgets":{"cpu":{"type":"stat"}},"layouts":{}}}`)
	},
	func(a *actor) error {
		return a.request("restore", "POST", "/api/dashboards/"+a.dashboard()+"/restore", `{"toVersion":1}`)
	},
	func(a *actor) error {
		return a.request("patch", "PATCH", "/api/dashboards/"+a.dashboard()+"/widgets/cpu", `{"title":`+a.text()+`}`)
	},
	func(a *actor) error {
		return a.request("value", "PUT", "/api/dashboards/"+a.dashboard()+"/widgets/cpu/data", `{"data":`+a.text()+`}`)
	},
	func(a *actor) error { // away and back
		id := a.of.known[2]
		if err := a.request("delete", "DELETE", "/api/dashboards/"+id, ""); err != nil {
			return err
		}
		if err := a.request("delete", "DELETE", "/api/dashboards/"+a.other().known[2], ""); err != nil {
			return err
		}
		if err := a.request("undelete", "POST", "/api/dashboards/"+a.other().known[2]+"/undelete", ""); err != nil {
			return err
		}
		return a.request("undelete", "POST", "/api/dashboards/"+id+"/undelete", "")
	},
	func(a *actor) error {
		a.serial++
		return a.request("POST SYNC", "POST", "/api/realtime", fmt.Sprintf(
			`{"type":"SYNC","clientId":"tab","operations":[{"type":"WIDGET_UPDATE","id":"op-%d","payload":{"dashboardId":%q,"widgetId":"cpu","set":{"/title":%s}}},`+
				`{"type":"WIDGET_DATA","id":"v-%[1]d","payload":{"dashboardId":%[4]q,"widgetId":"cpu","data":%[3]s}}],"since":{%[5]q:null,%[6]q:{"epoch":%[7]q,"version":1}}}`,
			a.serial, a.dashboard(), a.text(), a.dashboard(), a.own(), a.other().known[0], a.epoch))
	},
	func(a *actor) error { return a.resume(a.of.lastEvent()) },
	func(a *actor) error { return a.resume(a.other().lastEvent()) }, // stolen
	func(a *actor) error { return errors.Join(a.message(a.user), a.tell("PING", `{}`)) },
}

// message has the app speak to a user of the tenant, and to a dashboard.
func (a *actor) message(user string) error {
	operator := bearer(mint(a.b.t, auth.Principal{UserID: "operator", Admin: true, Expires: time.Now().Add(time.Hour)}))
	for _, to := range []string{`"userId":"` + user + `"`, `"dashboardId":"` + a.own() + `"`} {
		if _, err := a.send("POST", "/api/admin/messages", `{"name":"hello","data":`+a.text()+`,`+to+`}`, operator); err != nil {
			return err
		}
	}
	return nil
}

// act does every step once, in an order of the actor's own, and then what comes.
func (a *actor) act(until time.Time) error {
	if err := a.reconnect(); err != nil {
		return err
	}
	for _, i := range a.rand.Perm(len(steps)) {
		if err := steps[i](a); err != nil {
			return err
		}
	}
	for time.Now().Before(until) {
		if err := steps[a.rand.IntN(len(steps))](a); err != nil {
			return err
		}
	}
	return nil
}

// reconnect ends the session, if there is one, and opens another, as the same client as
// everybody has.
func (a *actor) reconnect() error {
	if a.s != nil {
		if err := a.s.conn.Close(); err != nil {
			return err
		}
	}
	s, refused := upgrade(a.b.t, a.b.x.addr, bearer(a.token))
	if refused != nil {
		return fmt.Errorf("the upgrade got %d %s", refused.status, refused.body)
	}
	a.s = s
	if err := a.ask("CONNECT", `{"clientId":"tab"}`); err != nil {
		return err
	}
	if err := a.ask("SYNC_REQUEST", `{"dashboardId":%q}`, a.own()); err != nil {
		return err
	}
	return a.tell("PRESENCE", `{"dashboardId":%q,"state":%s}`, a.own(), a.text())
}

// ask sends a message and hears everything up to its answer.
func (a *actor) ask(kind, format string, args ...any) error {
	a.serial++
	id := fmt.Sprintf("op-%d", a.serial) // the same ones in both tenants
	if err := a.s.write(1, fmt.Appendf(nil, `{"type":%q,"id":%q,"payload":%s}`, kind, id, fmt.Sprintf(format, args...))); err != nil {
		return err
	}
	return a.hearUntil(func(m *message) bool { return m.CorrelationID == id })
}

// tell sends a message that has no answer and hears everything up to that of a PING.
func (a *actor) tell(kind, format string, args ...any) error {
	if err := a.s.write(1, fmt.Appendf(nil, `{"type":%q,"id":"t","payload":%s}`, kind, fmt.Sprintf(format, args...))); err != nil {
		return err
	}
	return a.ask("PING", `{}`)
}

// hearUntil hears messages up to one that is the last.
func (a *actor) hearUntil(last func(*message) bool) error {
	if err := a.s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for {
		m, err := a.s.read()
		if err != nil {
			return errors.Join(errEnded, err)
		}
		a.of.hears(m.Type, m.raw, a.b.tenants)
		var at struct {
			Epoch   string
			Version uint64
		}
		if json.Unmarshal(m.Payload, &at) == nil && at.Epoch != "" {
			a.epoch, a.version = at.Epoch, at.Version
		}
		if last(m) {
			return nil
		}
	}
}

// request sends a request as the actor and hears its answer.
func (a *actor) request(kind, method, path, body string) error {
	text, err := a.send(method, path, body, bearer(a.token))
	if err == nil {
		a.of.hears(kind, text, a.b.tenants)
	}
	return err
}

func (a *actor) send(method, path, body string, lines ...string) (text string, err error) {
	ctx, cancel := context.WithTimeout(a.b.t.Context(), patience)
	defer cancel()
	res, err := a.open(ctx, method, path, body, lines...)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	return fmt.Sprintf("%d %v %s", res.StatusCode, res.Header, all), err
}

func (a *actor) open(ctx context.Context, method, path, body string, lines ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, a.b.x.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return client.Do(r)
}

// listen follows a stream of the tenant's own dashboards and of the other's until ctx
// ends, and hears all of it.
func (a *actor) listen(ctx context.Context) {
	path := "/api/realtime/events?clientId=stream"
	for _, id := range []string{a.own(), a.of.hidden[0], a.other().known[0], a.other().known[1]} {
		path += "&dashboardId=" + id
	}
	res, err := a.open(ctx, "GET", path, "", bearer(a.token))
	if err != nil {
		if ctx.Err() == nil {
			a.b.t.Errorf("the stream of %s: %v", a.user, err)
		}
		return
	}
	defer res.Body.Close()
	for lines := bufio.NewReader(res.Body); ; {
		line, err := lines.ReadString('\n')
		a.of.hears("stream", line, a.b.tenants)
		if err != nil {
			if ctx.Err() == nil {
				a.b.t.Errorf("the stream of %s: %v", a.user, err)
			}
			return
		}
	}
}

// resume begins a stream after an event and hears its first two.
func (a *actor) resume(event string) error {
	ctx, cancel := context.WithTimeout(a.b.t.Context(), patience)
	defer cancel()
	res, err := a.open(ctx, "GET", "/api/realtime/events?dashboardId="+a.own(), "", bearer(a.token), "Last-Event-ID: "+event)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for lines, events := bufio.NewReader(res.Body), 0; events < 2; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("a stream after %q: %d %s: %w", event, res.StatusCode, line, err)
		}
		a.of.hears("resumed", line, a.b.tenants)
		if strings.HasPrefix(line, "data:") {
			events++
		}
	}
	return nil
}
