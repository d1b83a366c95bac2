package attack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sender is a client that sends ops as fast as they are answered.
type sender struct {
	t        *testing.T
	s        *socket
	name     string
	sent     int // ops 1 … sent
	answered int // of which ops 1 … answered have their ACK
	code     int // of the close, 0 if there was none
}

func (c *sender) op(i int) string {
	return fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"%s-%d","payload":{"dashboardId":"ops","widgetId":"%[1]s","set":{"/n%[2]d":%[2]d}}}`, c.name, i)
}

// work keeps some ops under way until the server ends the session.
func (c *sender) work(busy *sync.WaitGroup) {
	const underWay = 20
	told := false
	defer func() {
		if !told { // it has failed, and nobody is to wait for it
			busy.Done()
		}
	}()
	for {
		for c.sent < c.answered+underWay && c.sent < 5000 {
			if c.s.write(1, []byte(c.op(c.sent+1))) != nil {
				break // the reading tells why
			}
			c.sent++
		}
		m, err := c.s.read()
		var e ended
		if errors.As(err, &e) {
			c.code = e.code
		}
		if err != nil {
			return
		}
		switch {
		case m.CorrelationID == "":
		case m.Type == "ACK" && m.CorrelationID == fmt.Sprintf("%s-%d", c.name, c.answered+1):
			c.answered++
		default:
			c.t.Errorf("%s after %d answers: %s", c.name, c.answered, m.raw)
			return
		}
		if c.answered >= 3 && !told {
			told = true
			busy.Done()
		}
	}
}

// TestAttack_70_EndWhileBusy: a server that is told to end while many clients send ops
// answers what it has received, sends them away with 1012 and ends in time; what is sent
// again afterwards takes effect once.
func TestAttack_70_EndWhileBusy(t *testing.T) {
	const clients = 40
	p := run(t, "", "--drain", "2s")
	auth := bearer(token(t, "ana", "*=owner"))
	widgets := map[string]any{}
	for i := range clients {
		widgets[fmt.Sprintf("c%d", i)] = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"id": "ops", "document": map[string]any{"settings": map[string]any{}, "widgets": widgets, "layouts": map[string]any{}}})
	if err != nil {
		t.Fatal(err)
	}
	if a := call(t, "POST", p.url+"/api/dashboards", string(body), auth); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var all []*sender
	var busy, done sync.WaitGroup
	busy.Add(clients)
	for i := range clients {
		name := fmt.Sprintf("c%d", i)
		s, refused := upgrade(t, p.addr, auth)
		if refused != nil {
			t.Fatalf("%d %s", refused.status, refused.body)
		}
		s.ask("CONNECT", `{"clientId":"`+name+`"}`).is(t, "CONNECT")
		c := &sender{t: t, s: s, name: name}
		all = append(all, c)
		done.Go(func() { c.work(&busy) })
	}
	busy.Wait()
	begun := time.Now()
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("the server ended with %d:\n%s", code, p.errs.String())
	}
	t.Logf("ended within %s", time.Since(begun))
	done.Wait()

	again := run(t, p.dir)
	acknowledged, open := 0, 0
	for _, c := range all {
		if c.code != 1012 {
			t.Errorf("%s was sent away with %d", c.name, c.code)
		}
		acknowledged += c.answered
		s, refused := upgrade(t, again.addr, auth)
		if refused != nil {
			t.Fatalf("%d %s", refused.status, refused.body)
		}
		s.ask("CONNECT", `{"clientId":"`+c.name+`"}`).is(t, "CONNECT")
		for i := c.answered; i <= c.sent; i++ { // one that was answered too
			if i == 0 {
				continue
			}
			open++
			s.send(c.op(i))
			id := fmt.Sprintf("%s-%d", c.name, i)
			s.until(id, func(m *message) bool { return m.CorrelationID == id }).is(t, "ACK")
		}
	}
	var doc struct {
		Version uint64
		Widgets map[string]map[string]int
	}
	a := call(t, "GET", again.url+"/api/dashboards/ops", "", auth)
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		t.Fatal(err)
	}
	want := uint64(1)
	for _, c := range all {
		want += uint64(c.sent)
		if n := len(doc.Widgets[c.name]); n != c.sent {
			t.Errorf("%s sent %d ops, and %d have taken effect", c.name, c.sent, n)
		}
	}
	if doc.Version != want {
		t.Errorf("version %d, want %d: each op once", doc.Version, want)
	}
	t.Logf("%d ops were acknowledged before the end, %d sent again", acknowledged, open)
}
