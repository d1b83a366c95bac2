package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

func create(id string, set map[string]any) client.Op {
	return client.Op{Type: client.WidgetUpdate, WidgetID: id, Create: true, Set: set}
}

func TestE3_EditAndAnswer(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	c := dial(t, ctx, n, client.Options{UserID: "ana"})
	ops := follow(t, ctx, c, "ops", client.Follow{})
	if v := ops.View(); v.Version != 0 || v.Role != "owner" {
		t.Errorf("an empty dashboard has version %d, role %s", v.Version, v.Role)
	}
	a, err := ops.Do(ctx, create("cpu", map[string]any{"/title": "CPU", "/config/unit": "%"}))
	if err != nil || a.Ack == nil || a.Ack.Version != 1 || !a.InStream || a.Ack.Status != board.StatusApplied {
		t.Fatalf("got %+v, %v", a, err)
	}
	if v := ops.View(); v.Version != 1 || v.Document.Widgets["cpu"] != `{"config":{"unit":"%"},"title":"CPU"}` {
		t.Errorf("the view shows %d %v", v.Version, v.Document.Widgets)
	}

	var refused *board.Error
	if _, err := ops.Do(ctx, create("cpu", nil)); !errors.As(err, &refused) || refused.Code != board.CodeExists {
		t.Errorf("creating it again: %v", err)
	}
	if _, err := ops.Do(ctx, client.Op{Type: client.WidgetDelete, WidgetID: "a b"}); !errors.As(err, &refused) || refused.Code != board.CodeInvalidID {
		t.Errorf("a bad id, which is not even sent: %v", err)
	}
	a, err = ops.Do(ctx, client.Op{Type: client.WidgetUpdate, WidgetID: "none", Set: map[string]any{"/a": 1}})
	if err != nil || a.Conflict == nil || a.Conflict.Kind != board.KindDeleted {
		t.Errorf("an update of what is not there: %+v, %v", a, err)
	}
}

// Two clients and a stranger edit at once with all kinds of ops: both hear every
// version once, in order, and end with the server's document, byte for byte.
func TestR2_EverybodyHearsEveryVersionOnce(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	const clients, each = 3, 60
	var heard [clients]chan uint64
	var boards [clients]*client.Dashboard
	for i := range clients {
		c := dial(t, ctx, n, client.Options{UserID: fmt.Sprintf("user-%d", i)})
		heard[i] = make(chan uint64, 10_000)
		boards[i] = follow(t, ctx, c, "ops", client.Follow{OnUpdate: func(u client.Update) { heard[i] <- u.View.Version }})
	}
	for i := range 6 {
		if _, err := boards[0].Do(ctx, create(fmt.Sprintf("w%d", i), map[string]any{"/n": 0})); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			for k := range each {
				if _, err := boards[i].Do(ctx, randomOp(r, i, k)); err != nil {
					var refused *board.Error
					if !errors.As(err, &refused) || refused.Code != board.CodeBatchRefused {
						t.Errorf("client %d op %d: %v", i, k, err)
					}
				}
			}
		})
	}
	wg.Wait()
	doc, head, err := n.Document(ctx, "ops")
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range boards {
		for want := range head + 1 {
			select {
			case got := <-heard[i]:
				if got != want {
					t.Fatalf("client %d heard of version %d where %d comes", i, got, want)
				}
			case <-ctx.Done():
				t.Fatalf("client %d did not hear of version %d of %d", i, want, head)
			}
		}
		if got, want := string(board.AppendDocument(nil, d.View().Document)), string(board.AppendDocument(nil, doc)); got != want {
			t.Errorf("client %d shows\n%s\nthe server has\n%s", i, got, want)
		}
		if n := len(heard[i]); n > 0 {
			t.Errorf("client %d heard %d versions more", i, n)
		}
	}
}

func randomOp(r *rand.Rand, who, k int) client.Op {
	id := fmt.Sprintf("w%d", r.IntN(6))
	switch r.IntN(8) {
	case 0:
		return client.Op{Type: client.LayoutUpdate, Moved: map[string]board.RectPatch{id: {X: client.At(r.IntN(20)), Y: client.At(r.IntN(10))}}}
	case 1:
		return client.Op{Type: client.LayoutUpdate, Moved: map[string]board.RectPatch{id: {W: client.At(1 + r.IntN(12))}}}
	case 2:
		return client.Op{Type: client.DashboardUpdate, Policy: board.PolicyOverwrite, Set: map[string]any{"/title": fmt.Sprint(k)}}
	case 3:
		return client.Op{Type: client.WidgetUpdate, WidgetID: id, Policy: board.PolicySkip, Changes: map[string]any{"config": map[string]any{"a": k}, "n": nil}}
	case 4:
		return client.Op{Type: client.WidgetBatch, Policy: board.PolicyOverwrite, Operations: []client.Op{
			{Type: client.WidgetUpdate, WidgetID: id, Set: map[string]any{"/n": k}},
			{Type: client.LayoutUpdate, Moved: map[string]board.RectPatch{id: {X: client.At(r.IntN(20))}}},
		}}
	case 5:
		return client.Op{Type: client.WidgetUpdate, WidgetID: id, Policy: board.PolicyOverwrite, Set: map[string]any{"/n": board.Value("1.0"), "/who": who}}
	case 6:
		return client.Op{Type: client.WidgetUpdate, WidgetID: id, Policy: board.PolicyOverwrite, Unset: []string{"/who"}}
	default:
		return client.Op{Type: client.WidgetUpdate, WidgetID: id, Set: map[string]any{"/title": fmt.Sprintf("%d by %d", k, who)}, Layout: &board.RectPatch{H: client.At(1 + r.IntN(6))}}
	}
}

func TestR1_GoesOnWhereItWas(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	told := make(chan client.Update, 16)
	nw := &network{}
	down := make(chan struct{}, 16)
	c := dial(t, ctx, n, client.Options{DialContext: nw.dial, OnEvent: func(e client.Event) {
		if e.State == client.Waiting {
			down <- struct{}{}
		}
	}})
	ops := follow(t, ctx, c, "ops", client.Follow{OnUpdate: func(u client.Update) { told <- u }})
	other := follow(t, ctx, dial(t, ctx, n, client.Options{}), "ops", client.Follow{})
	if _, err := other.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	if err := ops.Wait(ctx, func(v client.View) bool { return v.Version == 1 }); err != nil {
		t.Fatal(err)
	}
	nw.moveTo("127.0.0.1:1") // nobody listens there
	nw.cut()
	<-down
	for i := range 5 {
		if _, err := other.Do(ctx, client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{"/n": i}}); err != nil {
			t.Fatal(err)
		}
	}
	nw.moveTo("")
	if err := ops.Wait(ctx, func(v client.View) bool { return v.Version == 6 }); err != nil {
		t.Fatal(err)
	}
	for i := range 7 { // the snapshot of the empty dashboard, then each entry
		select {
		case u := <-told:
			if u.Snapshot != (i == 0) || i > 0 && (u.Entry == nil || u.Entry.Version != uint64(i)) {
				t.Errorf("update %d is of version %d, snapshot %v", i, u.View.Version, u.Snapshot)
			}
		case <-ctx.Done():
			t.Fatalf("%d updates came", i)
		}
	}
	if diff := cmp.Diff(other.View().Document, ops.View().Document); diff != "" {
		t.Errorf("the documents differ:\n%s", diff)
	}
}

// The answer is lost with the connection: the op is sent again with its id and takes
// effect once.
func TestM8_LostAnswerTakesEffectOnce(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	nw := &network{}
	c := dial(t, ctx, n, client.Options{DialContext: nw.dial})
	if _, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		nw.setDeaf()
		a, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Set: map[string]any{"/n": i}})
		if err != nil || a.Ack == nil || a.Ack.Version != uint64(i+2) {
			t.Fatalf("op %d: %+v, %v", i, a, err)
		}
	}
	if _, version, err := n.Document(ctx, "ops"); err != nil || version != 21 {
		t.Errorf("version %d, %v", version, err)
	}
}

// R3: the own entry may come before the answer, in the delta after a reconnect.
func TestR3_OwnEditOverAReconnect(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	nw := &network{}
	c := dial(t, ctx, n, client.Options{DialContext: nw.dial})
	ops := follow(t, ctx, c, "ops", client.Follow{})
	if _, err := ops.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		nw.setDeaf()
		if _, err := ops.Do(ctx, client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{"/n": i}}); err != nil {
			t.Fatal(err)
		}
		want := board.Value(fmt.Sprintf(`{"n":%d}`, i))
		if err := ops.Wait(ctx, func(v client.View) bool { return v.Document.Widgets["cpu"] == want }); err != nil {
			t.Fatalf("%v; the view shows %s", err, ops.View().Document.Widgets["cpu"])
		}
	}
	if v := ops.View().Version; v != 21 {
		t.Errorf("version %d", v)
	}
}

func TestR2_GapIsAskedFor(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	var mu sync.Mutex
	lost := 0
	c := dial(t, ctx, n, client.Options{OnMessage: func(m []byte) bool {
		mt, _, _ := client.Head(m)
		mu.Lock()
		defer mu.Unlock()
		if string(mt) == "WIDGET_UPDATE" && bytes.Contains(m, []byte(`"version":3,`)) && lost == 0 {
			lost++
			return true
		}
		return false
	}})
	ops := follow(t, ctx, c, "ops", client.Follow{})
	other := follow(t, ctx, dial(t, ctx, n, client.Options{}), "ops", client.Follow{})
	if _, err := other.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if _, err := other.Do(ctx, client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{fmt.Sprintf("/f%d", i): i}}); err != nil {
			t.Fatal(err)
		}
		if err := other.Wait(ctx, func(v client.View) bool { return v.Version == uint64(i+2) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := ops.Wait(ctx, func(v client.View) bool { return v.Version == 5 }); err != nil {
		t.Fatal(err)
	}
	if got := ops.View().Document.Widgets["cpu"]; got != `{"f0":0,"f1":1,"f2":2,"f3":3}` || lost != 1 {
		t.Errorf("the widget is %s after %d lost entries", got, lost)
	}
}

func TestR8_LargeDashboardComesInParts(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	parts := 0
	c := dial(t, ctx, n, client.Options{OnMessage: func(m []byte) bool {
		if mt, _, _ := client.Head(m); string(mt) == "SYNC_RESPONSE" {
			parts++
		}
		return false
	}})
	batch := client.Op{Type: client.WidgetBatch, DashboardID: "ops"}
	for i := range 100 {
		batch.Operations = append(batch.Operations, create(fmt.Sprintf("w%d", i), map[string]any{"/text": strings.Repeat("x", 8_000)}))
	}
	if _, err := c.Do(ctx, batch); err != nil {
		t.Fatal(err)
	}
	ops := follow(t, ctx, c, "ops", client.Follow{})
	doc, _, err := n.Document(ctx, "ops")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc, ops.View().Document); diff != "" {
		t.Errorf("the documents differ:\n%.1000s", diff)
	}
	if parts < 3 {
		t.Errorf("800 KB came in %d parts", parts)
	}
}

// Another node on the same log: the client misses nothing (A4), since its server says
// goodbye and it comes back within the window (C7).
func TestA4_AnotherNodeGoesOn(t *testing.T) {
	ctx := within(t)
	log := newJournal()
	first, second := serve(t, dashwire.Config{Journal: log}), serve(t, dashwire.Config{Journal: log})
	nw := &network{}
	var mu sync.Mutex
	var why []error
	c := dial(t, ctx, first, client.Options{DialContext: nw.dial, OnEvent: func(e client.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.State == client.Waiting {
			why = append(why, e.Err)
		}
	}})
	ops := follow(t, ctx, c, "ops", client.Follow{})
	if _, err := ops.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	nw.moveTo(second.addr)
	first.stop()
	if _, err := ops.Do(ctx, client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{"/n": 1}}); err != nil {
		t.Fatal(err)
	}
	if v := ops.View(); v.Version != 2 || v.Document.Widgets["cpu"] != `{"n":1}` {
		t.Errorf("version %d, %v", v.Version, v.Document.Widgets)
	}
	mu.Lock()
	defer mu.Unlock()
	var closed *client.CloseError
	if len(why) == 0 || !errors.As(why[0], &closed) || closed.Code != 1012 {
		t.Errorf("the first server went with %v", why)
	}
}

func TestC6_SameClientTakesOver(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	gone := make(chan error, 1)
	first := dial(t, ctx, n, client.Options{UserID: "ana", ClientID: "tab-1", OnEvent: func(e client.Event) {
		if e.State == client.Closed {
			gone <- e.Err
		}
	}})
	second := dial(t, ctx, n, client.Options{UserID: "ana", ClientID: "tab-1"})
	var closed *client.CloseError
	if err := <-gone; !errors.As(err, &closed) || closed.Code != 4409 {
		t.Errorf("the first ended with %v", err)
	}
	if err := first.Connected(ctx); !errors.As(err, &closed) {
		t.Errorf("it says %v", err)
	}
	other := dial(t, ctx, n, client.Options{UserID: "bo", ClientID: "tab-1"})
	for _, c := range []*client.Client{second, other} {
		if _, err := c.Subscribe(ctx, "ops", client.Follow{}); err != nil {
			t.Errorf("%s: %v", c.UserID(), err)
		}
	}
	if second.SessionID() == "" || second.UserID() != "ana" || second.ClientID() != "tab-1" {
		t.Errorf("session %q of %q %q", second.SessionID(), second.UserID(), second.ClientID())
	}
}

func TestW1_LiveValues(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	refused := make(chan *board.Error, 1)
	feeder := dial(t, ctx, n, client.Options{OnEvent: func(e client.Event) {
		if e.Refused != nil {
			refused <- e.Refused
		}
	}})
	if err := feeder.SendData(ctx, "ops", client.Value{WidgetID: "cpu", Data: "1"}); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; err.Code != board.CodeNotFound {
		t.Errorf("values for no widget: %v", err)
	}
	ops := follow(t, ctx, dial(t, ctx, n, client.Options{}), "ops", client.Follow{})
	for _, id := range []string{"cpu", "net"} {
		if _, err := ops.Do(ctx, create(id, nil)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		err := feeder.SendData(ctx, "ops",
			client.Value{WidgetID: "cpu", Data: client.JSON(i)},
			client.Value{WidgetID: "net", Data: client.JSON([]int{i}), Append: true, Window: 3})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := ops.Wait(ctx, func(client.View) bool {
		v := ops.Values()
		return v["cpu"].Data == "4" && v["net"].Data == "[2,3,4]"
	}); err != nil {
		t.Fatalf("%v: %v", err, ops.Values())
	}
	late := follow(t, ctx, dial(t, ctx, n, client.Options{}), "ops", client.Follow{})
	if v := late.Values(); v["cpu"].Data != "4" || v["net"].Data != "[2,3,4]" {
		t.Errorf("who comes later gets %v", v)
	}
}

func TestW3_Presence(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	a, b := dial(t, ctx, n, client.Options{UserID: "ana"}), dial(t, ctx, n, client.Options{UserID: "bo"})
	seen := follow(t, ctx, a, "ops", client.Follow{})
	mine := follow(t, ctx, b, "ops", client.Follow{})
	mine.SetPresence(map[string]string{"name": "Bo"})
	shows := func(want int) func(client.View) bool {
		return func(client.View) bool { list, _ := seen.Present(); return len(list) == want }
	}
	if err := seen.Wait(ctx, shows(1)); err != nil {
		t.Fatal(err)
	}
	list, count := seen.Present()
	if list[0].UserID != "bo" || list[0].SessionID != b.SessionID() || list[0].State != `{"name":"Bo"}` || count != 1 {
		t.Errorf("present: %+v, %d", list, count)
	}
	mine.Unsubscribe()
	if err := seen.Wait(ctx, shows(0)); err != nil {
		t.Error(err)
	}
}

func TestW4_AppMessages(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	got := make(chan *client.AppMessage, 1)
	dial(t, ctx, n, client.Options{OnEvent: func(e client.Event) {
		if e.App != nil {
			got <- e.App
		}
	}})
	if _, err := n.Broadcast("deploy", map[string]int{"v": 1}, ""); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-got:
		if m.Name != "deploy" || m.Data != `{"v":1}` {
			t.Errorf("got %+v", m)
		}
	case <-ctx.Done():
		t.Error("no message came")
	}
}

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

func TestCloseEndsAllWaiting(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	nw := &network{}
	c := dial(t, ctx, n, client.Options{DialContext: nw.dial})
	ops := follow(t, ctx, c, "ops", client.Follow{})
	waiting := make(chan error, 2)
	go func() { waiting <- ops.Wait(ctx, func(v client.View) bool { return v.Version == 99 }) }()
	nw.moveTo("127.0.0.1:1")
	nw.cut()
	go func() {
		_, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true})
		waiting <- err
	}()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-waiting; !errors.Is(err, client.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := c.Subscribe(ctx, "other", client.Follow{}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Subscribe: %v", err)
	}
	if err := c.SendData(ctx, "ops"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("SendData: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestDoGivesUpWithItsContext(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	c := dial(t, ctx, n, client.Options{OnMessage: func(m []byte) bool {
		mt, _, _ := client.Head(m)
		return string(mt) == "ACK" // never arrives
	}})
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := c.Do(short, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestConnectingInVain(t *testing.T) {
	ctx := within(t)
	for _, c := range []struct {
		name string
		o    client.Options
		want string
	}{
		{"no URL", client.Options{}, "is none of a server"},
		{"another scheme", client.Options{URL: "ftp://x"}, "is none of a server"},
		{"no host", client.Options{URL: "http:///x"}, "names no host"},
		{"a bad client id", client.Options{URL: "http://x", ClientID: "a b"}, "client id"},
		{"a negative time", client.Options{URL: "http://x", HandshakeTimeout: -1}, "negative"},
		{"a negative size", client.Options{URL: "http://x", MaxMessage: -1}, "negative"},
		{"times out of order", client.Options{URL: "http://x", ReconnectMin: 2, ReconnectMax: 1}, "in order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := client.Dial(ctx, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("the path is no endpoint", func(t *testing.T) {
		n := serve(t, dashwire.Config{})
		if _, err := client.Dial(ctx, client.Options{URL: n.URL + "/nothing"}); err == nil {
			t.Error("it connected")
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := client.Dial(short, client.Options{URL: "http://127.0.0.1:1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the origin is refused", func(t *testing.T) {
		n := serve(t, dashwire.Config{})
		if _, err := client.Dial(ctx, client.Options{URL: n.URL, Header: http.Header{"Origin": {"https://evil.example"}}}); err == nil {
			t.Error("it connected")
		}
	})
}

// Many callers at once share the connection.
func TestE3_ManyOpsAtOnce(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	c := dial(t, ctx, n, client.Options{})
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			op := create(fmt.Sprintf("w%d", i), nil)
			op.DashboardID = fmt.Sprintf("board-%d", i%7)
			if a, err := c.Do(ctx, op); err != nil || a.Ack == nil || a.InStream {
				t.Errorf("op %d: %+v, %v", i, a, err)
			}
		})
	}
	wg.Wait()
}
