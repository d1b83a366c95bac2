package callout

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// watched follows the answer about a dashboard and counts what it is told.
func (a *Authorizer) watched(id string) (told *atomicCount, stop func()) {
	told = &atomicCount{}
	return told, a.Watch(ana, id, told.add)
}

type atomicCount struct {
	mu sync.Mutex
	n  int
}

func (c *atomicCount) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *atomicCount) is(t *testing.T, want int) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n != want {
		t.Fatalf("told %d times, want %d", c.n, want)
	}
}

func TestP4_AFollowedAnswerIsKeptFresh(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		told, stop := a.watched("ops")
		a.wants(t, "ops", auth.Editor)
		for range 10 * 60 { // a message each second for ten minutes, and none waits
			after(time.Second)
			began := time.Now()
			a.wants(t, "ops", auth.Editor)
			if took := time.Since(began); took != 0 {
				t.Fatalf("waited %s", took)
			}
		}
		told.is(t, 0)
		if n := app.count("ops"); n < 60 || n > 121 {
			t.Errorf("asked %d times in 600 s for answers of 10 s", n)
		}
		app.set("viewer")
		after(10 * time.Second)
		told.is(t, 1)
		a.wants(t, "ops", auth.Viewer)
		app.set("none")
		after(10 * time.Second)
		told.is(t, 2)
		stop()
		stop()
		before := app.count("ops")
		after(time.Minute)
		if n := app.count("ops"); n != before {
			t.Errorf("asked %d times after the watch", n-before)
		}
		if s := a.Stats(); s.Watched != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestP4_WhoFollowsHearsThatAnAnswerHasEnded(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		told, stop := a.watched("ops")
		defer stop()
		a.wants(t, "ops", auth.Editor)
		app.set("")
		after(9900 * time.Millisecond)
		told.is(t, 0)
		a.wants(t, "ops", auth.Editor)
		after(110 * time.Millisecond)
		told.is(t, 1)
		a.unknown(t, "ops")
		after(time.Minute)
		told.is(t, 1) // once is enough
		app.set("editor")
		after(6 * time.Second) // it is asked on
		began := time.Now()
		a.wants(t, "ops", auth.Editor)
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %s", took)
		}
		app.set("viewer")
		after(10 * time.Second)
		told.is(t, 2)
	})
}

func TestP4_ForgetAsksAnewAtOnce(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		app.change(func() { app.age = 3600 })
		told, stop := a.watched("ops")
		defer stop()
		a.wants(t, "ops", auth.Editor)
		a.wants(t, "eu", auth.Editor)
		app.set("viewer")
		a.Forget("bo")
		a.wants(t, "ops", auth.Editor)
		a.Forget("ana")
		a.wants(t, "eu", auth.Viewer)
		a.wants(t, "ops", auth.Viewer)
		told.is(t, 1)
		app.set("owner")
		a.Forget("")
		after(10 * time.Millisecond)
		told.is(t, 2)
		a.wants(t, "eu", auth.Owner)
		// An app that is away at that moment: told within five seconds.
		app.set("")
		a.Forget("ana")
		after(time.Second)
		told.is(t, 2)
		a.unknown(t, "ops")
		after(4 * time.Second)
		told.is(t, 3)
	})
}

func TestP4_AnAnswerFromBeforeForgetDoesNotCount(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		app.change(func() { app.delay = time.Second })
		got := make(chan auth.Role, 1)
		go func() {
			role, _ := a.Role(t.Context(), ana, "ops")
			got <- role
		}()
		after(500 * time.Millisecond)
		app.set("none") // the question that is on its way was answered as editor
		a.Forget("ana")
		if role := <-got; role != auth.None {
			t.Errorf("%v", role)
		}
	})
}

func TestP4_RefreshesLeaveRoomForWhoWaits(t *testing.T) {
	scripted(t, func(c *Config) { c.MaxConns = 4 }, func(t *testing.T, a *Authorizer, app *script) {
		app.change(func() { app.age = 3600 })
		for i := range 50 {
			id := fmt.Sprintf("d-%d", i)
			_, stop := a.watched(id)
			defer stop()
			a.wants(t, id, auth.Editor)
		}
		app.change(func() { app.most, app.delay = 0, 100*time.Millisecond })
		a.Forget("")
		after(50 * time.Millisecond)
		began := time.Now()
		a.wants(t, "new", auth.Editor)
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("a first answer took %s", took)
		}
		after(50 * 100 * time.Millisecond)
		most := 0
		app.change(func() { most = app.most })
		if most > 3 {
			t.Errorf("%d at the same time", most)
		}
		for i := range 50 {
			if n := app.count(fmt.Sprintf("d-%d", i)); n < 2 {
				t.Errorf("d-%d was not asked for anew", i)
			}
		}
	})
}
