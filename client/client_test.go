package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
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
