package session

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// step is one thing that happens in a random run.
type step struct {
	Kind   string
	Client int
	Arg    int
}

func (s step) String() string { return fmt.Sprintf("%s(%d,%d)", s.Kind, s.Client, s.Arg) }

var (
	runBoards  = []string{"ops", "net"}
	runClients = 4
	// stepKinds by how often they come.
	stepKinds = []string{
		"edit", "edit", "edit", "edit", "edit", "burst", "again", "create", "delete", "settings",
		"wait", "wait", "wait", "nap", "block", "drink", "drink", "vanish", "join", "join",
		"follow", "follow", "anew", "unfollow", "fault", "fault", "calm", "settle", "rest",
	}
)

// Whatever clients, connections, nodes and the journal do: every op gets exactly one
// terminal answer on its session (E3), every session hears every version once and in
// order (R2), acknowledged ops are in the log exactly once under the version that was
// named (A1, A3, M8), nothing is heard that is not in the log (R4), and everybody who
// follows ends with the log's document (R1, R3, R5).
func TestR2_RandomRuns(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		tailEntries := rapid.SampledFrom([]int{4, 32, 1024}).Draw(rt, "tail")
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				Kind:   rapid.SampledFrom(stepKinds).Draw(rt, "kind"),
				Client: rapid.IntRange(0, runClients-1).Draw(rt, "client"),
				Arg:    rapid.IntRange(0, 99).Draw(rt, "arg"),
			}
		}), 1, 120).Draw(rt, "steps")
		// The run has a bubble, and goroutines, of its own: what is wrong comes back as text.
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = runSteps(t, seed, tailEntries, steps) })
		if len(wrong) > 0 {
			rt.Fatalf("%s", strings.Join(wrong[:min(len(wrong), 10)], "\n"))
		}
	})
}

// run is the state of one random run.
type run struct {
	t       *testing.T
	journal *memjournal.Journal
	fate    *fate
	nodes   []*node
	clients []*runClient
	ops     int
	wrong   []string
}

// runClient is one client with the session that it has at the moment.
type runClient struct {
	run      *run
	user     string
	name     string
	together bool  // takes entries together (R10)
	peer     *peer // nil while it is away
	node     int
	replicas map[string]*replica
	last     [2]string         // id and message of the last op
	fresh    map[string]bool   // ops that no older session has sent before this one
	sent     map[string]int    // how often an op was sent on this session
	answers  map[string]int    // and answered
	asked    int               // SYNC_REQUESTs of this session that have no answer yet
	acked    map[string]string // epoch and version by op id, over all sessions
}

func (r *run) fault(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

func runSteps(t *testing.T, seed uint64, tailEntries int, steps []step) []string {
	r := &run{t: t, fate: &fate{rand: rand.New(rand.NewPCG(seed, 1))}}
	r.journal = memjournal.New(memjournal.Options{Fault: r.fate.meet})
	for range 2 {
		n, stop := start(t, options{journal: r.journal, room: func(c *room.Config) { c.TailEntries = tailEntries }})
		defer stop()
		r.nodes = append(r.nodes, n)
	}
	for i := range runClients {
		c := &runClient{
			run: r, user: []string{"ana", "bo"}[i%2], name: fmt.Sprint("tab-", i), together: i > 1, replicas: map[string]*replica{},
			acked: map[string]string{},
		}
		for _, id := range runBoards {
			c.replicas[id] = newReplica(id)
		}
		r.clients = append(r.clients, c)
		c.join(i % 2)
		c.follow(runBoards[i%2], true)
	}
	for _, s := range steps {
		r.clients[s.Client].do(s)
	}
	r.end()
	return r.wrong
}

// do carries out one step.
func (c *runClient) do(s step) {
	r := c.run
	id := runBoards[s.Arg%2]
	widget := fmt.Sprint("w", s.Arg%5)
	switch s.Kind {
	case "edit":
		c.op("WIDGET_UPDATE", fmt.Sprintf(`"dashboardId":%q,"widgetId":%q,"policy":"overwrite","set":{"/v":%d}`, id, widget, s.Arg/10))
	case "burst":
		for i := range 20 {
			c.op("WIDGET_UPDATE", fmt.Sprintf(`"dashboardId":%q,"widgetId":%q,"policy":"overwrite","set":{"/v%d":"%d"}`, id, widget, i%3, i*s.Arg))
		}
	case "create":
		c.op("WIDGET_UPDATE", fmt.Sprintf(`"dashboardId":%q,"widgetId":%q,"create":true`, id, widget))
	case "delete":
		c.op("WIDGET_DELETE", fmt.Sprintf(`"dashboardId":%q,"widgetId":%q,"policy":"overwrite"`, id, widget))
	case "settings":
		c.op("DASHBOARD_UPDATE", fmt.Sprintf(`"dashboardId":%q,"policy":"overwrite","set":{"/s":%d}`, id, s.Arg))
	case "again":
		if c.peer != nil && c.last[0] != "" {
			c.send(c.last[0], c.last[1])
		}
	case "wait":
		after(time.Duration(s.Arg) * 700 * time.Microsecond)
	case "nap":
		r.rest(time.Duration(s.Arg) * 100 * time.Millisecond)
	case "block":
		if c.peer != nil {
			c.peer.block(s.Arg * 20)
		}
	case "drink":
		if c.peer != nil {
			c.peer.drink(s.Arg*40 - 400) // often all
		}
	case "vanish":
		c.leave(wire.CloseAbnormal)
	case "join":
		c.join(s.Arg % 2)
	case "follow", "anew":
		c.follow(id, s.Kind == "follow")
	case "unfollow":
		if c.peer != nil {
			c.asked++
			c.peer.send(`{"type":"SYNC_REQUEST","id":"sync-none","payload":{"dashboardId":%q,"unsubscribe":true}}`, id)
		}
	case "fault":
		f := memjournal.Fault(1 + s.Arg%4)
		r.fate.mu.Lock()
		r.fate.of = map[memjournal.Fault]int{f: 10 + s.Arg/2}
		r.fate.slow = time.Duration(s.Arg*s.Arg) * time.Millisecond // up to ten seconds
		r.fate.mu.Unlock()
	case "calm":
		r.fate.calm()
	case "settle":
		r.journal.Settle()
	case "rest":
		after(time.Millisecond)
		c.hear()
	}
}

// rest lets time pass; those who are there give signs of life.
func (r *run) rest(d time.Duration) {
	for _, c := range r.clients {
		if c.peer != nil {
			c.peer.session.Alive(time.Now())
		}
	}
	after(d)
}

// op sends a new op.
func (c *runClient) op(typ, payload string) {
	if c.peer == nil {
		return
	}
	c.run.ops++
	id := fmt.Sprint("op-", c.run.ops)
	c.fresh[id] = true
	c.send(id, fmt.Sprintf(`{"type":%q,"id":%q,"payload":{%s}}`, typ, id, payload))
}

// send sends an op, unless the session would have to wait: that has tests of its own.
func (c *runClient) send(id, message string) {
	c.peer.session.mu.Lock()
	full := int(c.peer.session.waiting)+len(c.peer.session.answers) >= maxAnswers || c.peer.session.backlog >= maxBacklog
	c.peer.session.mu.Unlock()
	if full || c.peer.closedWith() != 0 {
		return
	}
	c.sent[id]++
	c.last = [2]string{id, message}
	c.peer.send("%s", message)
}

// join opens a session on a node. The client's older session, if it has one, is taken
// over or, on another node, left alone.
func (c *runClient) join(node int) {
	old, oldNode := c.peer, c.node
	if old != nil {
		c.hear()
		c.forget()
	}
	c.node = node
	more := ""
	if c.together {
		more = `,"entries":"together"`
	}
	c.peer = c.run.nodes[node].joinWith(c.user, c.name, more)
	c.fresh = map[string]bool{}
	c.sent, c.answers, c.asked = map[string]int{}, map[string]int{}, 0
	if old != nil {
		old.drink(-1)
		synctest.Wait()
		if code := old.closedWith(); oldNode == node && code != wire.CloseReplaced {
			c.run.fault("C6: %s's older session was closed with %d", c.name, code)
		}
		if oldNode != node {
			old.vanish(wire.CloseAbnormal)
		}
	}
}

// forget ends what a session knew; replicas stay, without a subscription.
func (c *runClient) forget() {
	c.peer = nil
	for _, r := range c.replicas {
		r.subscribed, r.parts = false, nil
	}
}

func (c *runClient) leave(code wire.CloseCode) {
	if c.peer != nil {
		c.hear()
		c.peer.vanish(code)
		c.forget()
	}
}

// follow subscribes, with what the client has or without.
func (c *runClient) follow(id string, since bool) {
	if c.peer == nil || c.peer.closedWith() != 0 {
		return
	}
	c.hear()
	text := ""
	if r := c.replicas[id]; since {
		text = fmt.Sprintf(`,"since":{"epoch":%q,"version":%d}`, r.epoch, r.version)
	}
	c.peer.session.mu.Lock()
	full := c.peer.session.backlog >= maxBacklog || int(c.peer.session.waiting)+len(c.peer.session.answers) >= maxAnswers
	c.peer.session.mu.Unlock()
	if !full {
		c.run.ops++
		c.asked++
		c.peer.send(`{"type":"SYNC_REQUEST","id":"sync-%d","payload":{"dashboardId":%q%s}}`, c.run.ops, id, text)
	}
}

// hear takes in what has come and holds it against the rules.
func (c *runClient) hear() {
	if c.peer == nil {
		return
	}
	for _, m := range c.peer.take() {
		decoded, err := wire.DecodeServer(m.raw)
		if err != nil {
			c.run.fault("%s got what no client can read: %v", c.name, err)
			continue
		}
		c.answer(m, decoded)
		heard := decoded.Entries
		if len(heard) > 0 && !c.together {
			c.run.fault("R10: %s has not asked for %.300s", c.name, m.raw)
		}
		if decoded.Entry != nil {
			heard = append(heard, decoded.Entry)
		}
		for _, e := range heard {
			if c.fresh[e.ID] && c.sent[e.ID] == 1 && c.answers[e.ID] == 0 {
				c.run.fault("R2: %s heard its own %s as an entry", c.name, e.ID)
			}
		}
		for _, id := range runBoards {
			if err := c.replicas[id].hear(decoded, logged(c.run.journal, id)); err != nil {
				c.run.fault("R2: %s: %v, in %.300s", c.name, err, m.raw)
			}
		}
	}
}

// answer checks a terminal answer, if m is one.
func (c *runClient) answer(m message, decoded wire.ServerMessage) {
	id := m.CorrelationID
	if s := decoded.Sync; strings.HasPrefix(id, "sync-") && (s == nil || s.Part == s.Parts) {
		c.asked--
	}
	if c.sent[id] == 0 {
		return
	}
	c.answers[id]++
	if c.answers[id] > c.sent[id] {
		c.run.fault("E3: %s was sent %d times and answered %d times: %.200s", id, c.sent[id], c.answers[id], m.raw)
	}
	a := decoded.Ack
	if a == nil {
		return
	}
	// No answer that names a version comes before everything up to it.
	if r := c.replicas[a.DashboardID]; !a.InStream && r.subscribed && r.parts == nil && r.epoch == a.Epoch && a.Of.Version > r.version {
		c.run.fault("R2: %s has version %d and was told of %d: %.200s", c.name, r.version, a.Of.Version, m.raw)
	}
	if a.Of.Status == board.StatusUnchanged {
		return
	}
	at := fmt.Sprint(a.Epoch, " ", a.Of.Version)
	if before := c.acked[id]; before != "" && before != at {
		c.run.fault("M8: %s was acknowledged as %s and as %s", id, before, at)
	}
	c.acked[id] = at
}

// end lets everything come to rest and compares everybody with the log.
func (r *run) end() {
	r.fate.calm()
	for range 6 {
		r.journal.Settle()
		r.rest(4 * time.Second)
	}
	for _, c := range r.clients {
		if c.peer != nil {
			c.peer.drink(-1)
			if code := c.peer.closedWith(); code != 0 {
				r.fault("%s was closed with %d", c.name, code)
				c.forget()
			}
		}
	}
	after(aWhile)
	type stored struct {
		times int
		at    string
	}
	log := map[string]stored{}
	docs := map[string]string{}
	states := map[string]*board.State{}
	for _, id := range runBoards {
		var err error
		if docs[id], states[id], err = folded(r.journal, id); err != nil {
			r.fault("the log of %s does not fold: %v", id, err)
			return
		}
		for rec := range r.journal.Read(r.t.Context(), id, 0) {
			e, err := board.ParseRecord(rec.Data)
			if err != nil {
				r.fault("%v", err)
				return
			}
			s := log[e.ID]
			log[e.ID] = stored{s.times + 1, fmt.Sprint(e.Epoch, " ", e.Version)}
		}
	}
	for _, c := range r.clients {
		if c.peer == nil {
			c.join(0)
			c.follow("ops", true)
			c.follow("net", false)
			after(aWhile)
		}
		c.hear()
		if c.asked != 0 {
			r.fault("E3: %s has %d SYNC_REQUESTs that were not answered once", c.name, c.asked)
		}
		for id, n := range c.sent {
			if c.answers[id] != n {
				r.fault("E3: %s was sent %d times and answered %d times", id, n, c.answers[id])
			}
		}
		for id, at := range c.acked {
			if log[id].times != 1 || log[id].at != at {
				r.fault("A1: %s was acknowledged as %s and is %d times in the log, last as %s", id, at, log[id].times, log[id].at)
			}
		}
		for id, replica := range c.replicas {
			if replica.subscribed && (replica.bytes() != docs[id] || replica.version != states[id].Version()) {
				r.fault("%s ends on %s at version %d with\n%s\nthe log at %d with\n%s", c.name, id, replica.version, replica.bytes(), states[id].Version(), docs[id])
			}
		}
	}
	for id, s := range log {
		if s.times != 1 {
			r.fault("M8: %s is %d times in the log", id, s.times)
		}
	}
	for i, n := range r.nodes {
		if log := n.log.String(); strings.Contains(log, "in line at") || strings.Contains(log, "closed on this node") {
			r.fault("node %d: %s", i, log)
		}
	}
	slices.Sort(r.wrong)
}
