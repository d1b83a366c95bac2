package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// A reader that stops reading holds nobody up; when it reads again it gets what it
// missed in fewer messages than there were versions, and has the same document.
func TestR5_ReaderThatStopsSkipsForward(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	nw := &network{}
	var entries, others atomic.Int64
	slow := dial(t, ctx, n, client.Options{DialContext: nw.dial, OnMessage: func(m []byte) bool {
		switch mt, _, _ := client.Head(m); string(mt) {
		case "WIDGET_UPDATE":
			entries.Add(1)
		case "SYNC_UPDATE", "SYNC_RESPONSE":
			others.Add(1)
		}
		return false
	}})
	seen := follow(t, ctx, slow, "ops", client.Follow{})
	writer := follow(t, ctx, dial(t, ctx, n, client.Options{}), "ops", client.Follow{})
	if _, err := writer.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	release := nw.hold()
	defer release()
	const edits = 300
	for i := range edits {
		text := fmt.Sprintf("%d%s", i, strings.Repeat("x", 30_000))
		if _, err := writer.Do(ctx, client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{fmt.Sprintf("/f%d", i%20): text}}); err != nil {
			t.Fatal(err)
		}
	}
	release()
	if err := seen.Wait(ctx, func(v client.View) bool { return v.Version == edits+1 }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(writer.View().Document, seen.View().Document); diff != "" {
		t.Errorf("the documents differ:\n%.500s", diff)
	}
	if entries.Load() >= edits || others.Load() < 2 {
		t.Errorf("%d entries and %d other messages came", entries.Load(), others.Load())
	}
}

// remove deletes a dashboard.
func (n *node) remove(t *testing.T, ctx context.Context, id string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, n.URL+"/api/dashboards/"+id, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("deleting: %s", resp.Status)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestR9_DeletedDashboardEnds(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	ops := follow(t, ctx, dial(t, ctx, n, client.Options{}), "ops", client.Follow{})
	if _, err := ops.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	n.remove(t, ctx, "ops")
	var refused *board.Error
	if err := ops.Wait(ctx, func(client.View) bool { return false }); !errors.As(err, &refused) || refused.Code != board.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

// What was asked for while there was no connection does not make half of a dashboard anew
// that was deleted meanwhile.
func TestR9_DeletedWhileAway(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	nw := &network{}
	down := make(chan struct{}, 16)
	c := dial(t, ctx, n, client.Options{DialContext: nw.dial, OnEvent: func(e client.Event) {
		if e.State == client.Waiting {
			select {
			case down <- struct{}{}:
			default:
			}
		}
	}})
	ops := follow(t, ctx, c, "ops", client.Follow{})
	if _, err := ops.Do(ctx, create("cpu", nil)); err != nil {
		t.Fatal(err)
	}
	nw.moveTo("127.0.0.1:1") // nobody listens there
	nw.cut()
	<-down
	done := make(chan error, 1)
	go func() {
		_, err := ops.Do(ctx, create("disk", nil))
		done <- err
	}()
	n.remove(t, ctx, "ops")
	nw.moveTo("")
	var refused *board.Error
	if err := <-done; !errors.As(err, &refused) || refused.Code != board.CodeGone {
		t.Errorf("what waited: %v", err)
	}
	if err := ops.Wait(ctx, func(client.View) bool { return false }); !errors.As(err, &refused) || refused.Code != board.CodeNotFound {
		t.Errorf("the subscription: %v", err)
	}
	if doc, version, err := n.Document(ctx, "ops"); err != nil || version > 0 {
		t.Errorf("the dashboard is back at version %d: %v, %v", version, doc, err)
	}
}

func TestC5_PingGetsPong(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	pongs := make(chan string, 1)
	c := dial(t, ctx, n, client.Options{OnMessage: func(m []byte) bool {
		mt, _, correlationID := client.Head(m)
		if string(mt) == "PONG" {
			pongs <- string(correlationID)
		}
		return false
	}})
	if err := c.Send(ctx, []byte(`{"type":"PING","id":"mine","payload":{}}`)); err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-pongs:
		if id != "mine" {
			t.Errorf("the PONG answers %q", id)
		}
	case <-ctx.Done():
		t.Error("no PONG came")
	}
}
