package client_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// A client that takes entries together tells of each, and finds a gap before them.
func TestR10_EntriesTogetherAreHeardOneByOne(t *testing.T) {
	ctx := within(t)
	n := serve(t, dashwire.Config{})
	var together, lost, entries atomic.Int64
	var version uint64 // the last one heard
	c := dial(t, ctx, n, client.Options{OnMessage: func(m []byte) bool {
		if mt, _, _ := client.Head(m); string(mt) == "SYNC_ENTRIES" && together.Add(1) == 2 {
			lost.Add(int64(bytes.Count(m, []byte(`{"version":`))))
			return true
		}
		return false
	}})
	ops := follow(t, ctx, c, "ops", client.Follow{OnUpdate: func(u client.Update) {
		if u.Entry != nil {
			entries.Add(1)
			if u.Entry.Version != version+1 {
				t.Errorf("version %d was heard after %d", u.Entry.Version, version)
			}
		}
		version = u.View.Version
	}})
	other := dial(t, ctx, n, client.Options{})
	if _, err := other.Do(ctx, client.Op{DashboardID: "ops", Type: client.WidgetUpdate, WidgetID: "cpu", Create: true}); err != nil {
		t.Fatal(err)
	}
	last := uint64(1)
	for together.Load() < 4 { // what has been committed by the time of a write goes together
		var edits sync.WaitGroup
		for range 50 {
			last++
			op := client.Op{DashboardID: "ops", Type: client.WidgetUpdate, WidgetID: "cpu", Policy: board.PolicyOverwrite, Set: map[string]any{"/n": last}}
			edits.Go(func() {
				if _, err := other.Do(ctx, op); err != nil {
					t.Error(err)
				}
			})
		}
		edits.Wait()
		if t.Failed() {
			return
		}
	}
	if err := ops.Wait(ctx, func(v client.View) bool { return v.Version == last }); err != nil {
		t.Fatal(err)
	}
	doc, _, err := n.Document(ctx, "ops")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc, ops.View().Document); diff != "" || lost.Load() < 2 {
		t.Errorf("after %d lost entries the documents differ:\n%s", lost.Load(), diff)
	}
	if n := entries.Load(); n < 4 {
		t.Errorf("only %d entries were heard", n)
	}
}
