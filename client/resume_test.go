package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

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
	came := make(chan struct{}, 100) // entries, each in a message of its own
	c := dial(t, ctx, n, client.Options{OnMessage: func(m []byte) bool {
		mt, _, _ := client.Head(m)
		mu.Lock()
		defer mu.Unlock()
		if string(mt) == "WIDGET_UPDATE" {
			came <- struct{}{}
		}
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
		if i < 3 { // then the gap is known, and what is asked for may hold the last one
			<-came
		}
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
