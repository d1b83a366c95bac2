package dispatch_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dashwire/dashwire/webhook"
)

func TestCommitted_ArrivesInOrder(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	w := begin(t, r.target("a"))
	var ops, nets []string
	for range 120 { // more than one message holds
		ops = append(ops, w.edit("ops"))
		nets = append(nets, w.edit("net"))
	}
	r.hears("ops", ops...)
	taken := r.hears("net", nets...)
	next := map[string]uint64{}
	ids := map[string]bool{}
	for _, d := range taken {
		if d.Type != webhook.Committed || ids[d.id] {
			t.Errorf("%s came as %s, twice: %v", d.id, d.Type, ids[d.id])
		}
		ids[d.id] = true
		for _, e := range d.Data.Entries {
			next[d.Data.DashboardID]++
			if e.Payload.Version != next[d.Data.DashboardID] || e.Payload.Epoch != d.Data.Epoch {
				t.Errorf("%s: %+v comes as number %d", d.Data.DashboardID, e, next[d.Data.DashboardID])
			}
		}
	}
	w.state("a", "nothing to do", func(s webhook.State) bool { return s.Behind == 0 && s.Sent > 0 && s.Status == "active" })
}

func TestCommitted_ComesAlsoOfTheTimeInBetween(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	w := begin(t, r.target("a"))
	want := []string{w.edit("ops")}
	w.noted("a", r.hears("ops", want...))
	w.restart() // without webhooks
	want = append(want, w.edit("ops"), w.edit("ops"))
	fresh := w.edit("fresh")
	w.restart(r.target("a"))
	r.hears("ops", want...)
	w.noted("a", r.hears("fresh", fresh)[1:]) // the first was sent before
	w.restart(r.target("a"))
	want = append(want, w.edit("ops"))
	taken := r.hears("ops", want...)
	total := 0
	for _, d := range taken {
		total += len(d.Data.Entries)
	}
	if total != 5 {
		t.Errorf("%d entries arrived, of 5: a clean stop repeats nothing", total)
	}
}

func TestCommitted_ANewTargetBeginsNow(t *testing.T) {
	now, start, other := receive(t), receive(t), receive(t)
	defer now.srv.Close()
	defer start.srv.Close()
	defer other.srv.Close()
	w := begin(t)
	before := []string{w.edit("ops"), w.edit("ops")}
	all := start.target("start")
	all.FromStart = true
	some := other.target("some")
	some.Dashboards = []string{"net"}
	w.restart(now.target("now"), all, some)
	after := w.edit("ops")
	now.hears("ops", after)
	start.hears("ops", append(before, after)...)
	net := w.edit("net")
	other.hears("net", net)

	// More patterns: what was there before is not told, what comes is.
	some.Dashboards = []string{"net", "op*"}
	w.restart(now.target("now"), all, some)
	last := w.edit("ops")
	other.hears("ops", last)
}

func TestFailures_AreTriedAgainInOrder(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	n := 0
	script := []int{500, 302, 0, 404, 429, 200, 503}
	r.answers(func(delivery) int {
		n++
		if n <= len(script) {
			return script[n-1]
		}
		return 200
	})
	w := begin(t, r.target("a"))
	var want []string
	for range 9 {
		want = append(want, w.edit("ops"))
	}
	r.hears("ops", want...)
	want = append(want, w.edit("ops")) // all before may have come in the message that failed: here is another
	r.hears("ops", want...)
	w.state("a", "health", func(s webhook.State) bool { return s.Status == "active" && s.Failed == 6 && s.Behind == 0 })
}

func TestFailures_DelayNobodyElse(t *testing.T) {
	dead, slow, good := receive(t), receive(t), receive(t)
	release := make(chan struct{})
	dead.answers(always(500))
	slow.answers(func(delivery) int { <-release; return 200 })
	defer dead.srv.Close()
	defer slow.srv.Close()
	defer good.srv.Close()
	w := begin(t, dead.target("dead"), slow.target("slow"), good.target("good"))
	defer close(release)
	want := map[string][]string{}
	for i := range 200 {
		id := fmt.Sprint("d", i%20)
		want[id] = append(want[id], w.edit(id))
	}
	for id, ops := range want {
		good.hears(id, ops...)
	}
	s := w.state("dead", "the breaker", func(s webhook.State) bool { return s.Status == "failing" })
	if s.Behind == 0 || s.Oldest.IsZero() || s.LastStatus != 500 {
		t.Errorf("%+v", s)
	}
}

func TestFailures_OneDashboardDelaysNoOther(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	r.answers(func(d delivery) int {
		if d.Data.DashboardID == "bad" {
			return 400
		}
		return 200
	})
	w := begin(t, r.target("a"))
	bad := []string{w.edit("bad")}
	r.attempts(3)
	good := []string{w.edit("good"), w.edit("good")}
	r.hears("good", good...)
	bad = append(bad, w.edit("bad"))
	w.restart(r.target("a"))
	s := w.state("a", "what waits", func(s webhook.State) bool { return s.Behind >= 1 && s.LastStatus == 400 })
	if s.Status != "active" {
		t.Errorf("%+v", s)
	}
	r.answers(nil)
	r.hears("bad", bad...)
}

func TestFailures_BecomeDeadLetters(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	r.answers(func(d delivery) int {
		if ops([]delivery{d}, "ops")[0] == "op-1" {
			return 422
		}
		return 200
	})
	target := r.target("a")
	target.GiveUp = 5 * time.Millisecond
	w := begin(t, target)
	first := w.edit("ops")
	w.state("a", "a dead letter", func(s webhook.State) bool { return s.Dead == 1 && s.GivenUp == 1 })
	second := w.edit("ops") // is not held up any more
	r.hears("ops", second)

	w.restart(target)
	list, err := w.store.Dead(t.Context(), "a", 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	d := list[0]
	if d.Status != 422 || d.Attempts < 3 || d.DashboardID != "ops" || d.After != 0 || d.Version != 1 || d.Type != webhook.Committed || d.Size == 0 {
		t.Errorf("%+v", d)
	}
	r.answers(nil)
	if n, err := w.store.RequestRetry(t.Context(), "a", ""); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	w.restart(target) // a request outlives the process
	taken := r.hears("ops", second, first)
	if i := slices.IndexFunc(taken, func(x delivery) bool { return x.id == d.ID }); i < 0 {
		t.Errorf("the dead letter %s came under another id", d.ID)
	}
	w.state("a", "no dead letter", func(s webhook.State) bool { return s.Dead == 0 })
}

func TestGone_DisablesTheTarget(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	r.answers(always(410))
	w := begin(t, r.target("a"))
	want := []string{w.edit("ops")}
	w.state("a", "disabled", func(s webhook.State) bool { return s.Status == "disabled" })
	want = append(want, w.edit("ops"), w.edit("ops"))
	w.restart(r.target("a"))
	w.state("a", "disabled after a restart", func(s webhook.State) bool { return s.Status == "disabled" })
	r.answers(nil)
	moved := r.target("a")
	moved.URL += "/other" // another address is another chance
	w.restart(moved)
	want = append(want, w.edit("ops"))
	r.hears("ops", want...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.taken) == 0 || r.tried > len(r.taken)+4 {
		t.Errorf("a disabled target was tried %d times", r.tried)
	}
}
