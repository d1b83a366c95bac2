package client_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/journal"
)

// doubtful is a journal that says that it is cut off while away is set.
type doubtful struct {
	journal.Journal
	away atomic.Bool
}

func (d *doubtful) Trouble() *journal.Trouble {
	if d.away.Load() {
		return &journal.Trouble{Text: "cut off", Err: errors.New("for the test")}
	}
	return nil
}

func TestA7_StaleIsToldUntilItIsNot(t *testing.T) {
	store := &doubtful{Journal: newJournal()}
	inMemory(t, dashwire.Config{Journal: store}, func(t *testing.T, ctx context.Context, m *memory) {
		var asked atomic.Int64
		bo, err := client.Dial(ctx, client.Options{
			URL: "http://localhost:3000", UserID: "bo", DialContext: m.dial,
			OnMessage: func(text []byte) bool {
				if mt, _, _ := client.Head(text); string(mt) == "SYNC_RESPONSE" {
					asked.Add(1)
				}
				return false
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bo.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true}); err != nil {
			t.Fatal(err)
		}
		store.away.Store(true)
		told := make(chan client.Update, 100)
		ops := follow(t, ctx, bo, "ops", client.Follow{OnUpdate: func(u client.Update) { told <- u }})
		if u := <-told; !u.View.Stale || !u.Snapshot || !ops.View().Stale {
			t.Errorf("the first answer: %+v", u)
		}
		<-time.After(time.Minute)
		if n := asked.Load(); n < 8 || n > 16 {
			t.Errorf("asked %d times in a minute, want each 4 to 8 s", n)
		}
		if len(told) > 0 || !ops.View().Stale {
			t.Errorf("%d updates though nothing changed, stale %t", len(told), ops.View().Stale)
		}

		store.away.Store(false)
		if err := ops.Wait(ctx, func(v client.View) bool { return !v.Stale }); err != nil {
			t.Fatal(err)
		}
		if u := <-told; u.View.Stale || u.Snapshot || u.Entry != nil || u.View.Version != 1 {
			t.Errorf("the store is back: %+v", u)
		}
		before := asked.Load()
		<-time.After(time.Minute)
		if n := asked.Load(); n != before {
			t.Errorf("asked %d times more though the answer was not marked", n-before)
		}
		if err := bo.Close(); err != nil {
			t.Error(err)
		}
	})
}
