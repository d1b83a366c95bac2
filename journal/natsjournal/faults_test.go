package natsjournal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/journal"
)

// appendAll appends records "1", "2", … to a log until done is closed, as a room
// does, and returns how many.
func appendAll(ctx context.Context, j journal.Journal, id string, done <-chan struct{}) (journal.Position, error) {
	head := journal.Position(0)
	for {
		select {
		case <-done:
			return head, nil
		default:
		}
		if err := settle(ctx, j, of(id, head, fmt.Sprint(head+1))); err != nil {
			return head, err
		}
		head++
	}
}

func numbers(n journal.Position) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i + 1)
	}
	return list
}

func TestA2_ServerRestartsLoseNothing(t *testing.T) {
	s := natstest.New(t)
	j := mustOpen(t, s.URL(), single())
	done := make(chan struct{})
	var heads [3]journal.Position
	var appenders sync.WaitGroup
	for i := range heads {
		appenders.Go(func() {
			var err error
			if heads[i], err = appendAll(t.Context(), j, fmt.Sprint("d", i), done); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		before, _, _ := j.Head(t.Context(), "d0")
		until(t, "appends go on", func() bool {
			head, _, err := j.Head(t.Context(), "d0")
			return err == nil && head >= before+5
		})
		s.Stop(t)
		s.Start(t)
	}
	close(done)
	appenders.Wait()
	for i, head := range heads {
		wantLog(t, j, fmt.Sprint("d", i), numbers(head)...)
	}
}

func TestA3_LeaderStepsDownWhileAppending(t *testing.T) {
	c := natstest.NewCluster(t)
	o := single()
	o.Replicas = 3
	j := mustOpen(t, c.URLs(), o)
	done := make(chan struct{})
	var head journal.Position
	var appender sync.WaitGroup
	appender.Go(func() {
		var err error
		if head, err = appendAll(t.Context(), j, "ops", done); err != nil {
			t.Error(err)
		}
	})
	for range 4 {
		var before journal.Position
		until(t, "the head is known", func() (known bool) {
			at, _, err := j.Head(t.Context(), "ops")
			before = at
			return err == nil
		})
		old := c.LeaderOf(t, j.stream)
		if _, err := j.conn.Request("$JS.API.STREAM.LEADER.STEPDOWN."+j.stream, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		until(t, "another server leads and appends go on", func() bool {
			l := c.LeaderOf(t, j.stream)
			at, _, err := j.Head(t.Context(), "ops")
			return err == nil && l != nil && l != old && at >= before+5
		})
	}
	close(done)
	appender.Wait()
	wantLog(t, j, "ops", numbers(head)...)
}

func TestA2_OneServerOfThreeGoesAndComes(t *testing.T) {
	c := natstest.NewCluster(t)
	o := single()
	o.Replicas = 3
	j := mustOpen(t, c.URLs(), o)
	done := make(chan struct{})
	var head journal.Position
	var appender sync.WaitGroup
	appender.Go(func() {
		var err error
		if head, err = appendAll(t.Context(), j, "ops", done); err != nil {
			t.Error(err)
		}
	})
	grown := func(by journal.Position) {
		before, _, _ := j.Head(t.Context(), "ops")
		until(t, "appends go on", func() bool {
			at, _, err := j.Head(t.Context(), "ops")
			return err == nil && at >= before+by
		})
	}
	for i, end := range []func(*natstest.Server){
		func(s *natstest.Server) { s.Stop(t) },
		func(s *natstest.Server) { s.Kill(t) },
	} {
		s := c.Servers[i]
		if l := c.LeaderOf(t, j.stream); l != nil {
			s = l // the leader hurts most
		}
		grown(5)
		end(s)
		grown(5)
		s.Start(t)
		c.WaitReady(t)
		grown(5)
	}
	close(done)
	appender.Wait()
	wantLog(t, j, "ops", numbers(head)...)
}

// proxy is a TCP proxy that can keep the answers of the server to itself.
type proxy struct {
	ln     net.Listener
	target string
	done   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	// trigger is what a client must send for the answers to be swallowed from then on.
	trigger   []byte
	swallowed chan struct{}
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, target: strings.TrimPrefix(target, "nats://")}
	p.done.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.target)
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, server)
			p.mu.Unlock()
			silent := make(chan struct{})
			p.done.Go(func() { p.up(client, server, silent) })
			p.done.Go(func() { p.down(client, server, silent) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.ln.Addr().String() }

// up copies what the client sends.
func (p *proxy) up(client, server net.Conn, silent chan struct{}) {
	defer server.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.trigger != nil && bytes.Contains(buf[:n], p.trigger) {
			p.trigger = nil
			close(silent)
			close(p.swallowed)
		}
		p.mu.Unlock()
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// down copies what the server answers until silent is closed.
func (p *proxy) down(client, server net.Conn, silent chan struct{}) {
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		select {
		case <-silent:
			_, _ = io.Copy(io.Discard, server)
			return
		default:
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// swallow keeps back the answers on the next connection that sends trigger, and
// returns what is closed at that moment.
func (p *proxy) swallow(trigger string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trigger, p.swallowed = []byte(trigger), make(chan struct{})
	return p.swallowed
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func TestA1_LostAcknowledgementsHappenOnce(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	direct := mustOpen(t, s.url(), single())
	p := newProxy(t, s.url())
	j := mustOpen(t, p.url(), single())
	const rounds = 6
	unknown := 0
	for n := range journal.Position(rounds) {
		a := of("ops", n, fmt.Sprint(n+1))
		seen := p.swallow("HPUB " + j.subjects.log("ops"))
		answer := make(chan error, 1)
		go func() {
			_, err := j.Append(t.Context(), a)
			answer <- err
		}()
		<-seen
		until(t, "the append is stored", func() bool {
			head, _, err := direct.Head(t.Context(), "ops")
			return err == nil && head == n+1
		})
		p.cut()
		err := <-answer
		if !errors.Is(err, journal.ErrUnknown) {
			t.Fatalf("an append whose acknowledgement was lost: got %v, want ErrUnknown", err)
		}
		unknown++
		must(t, j, a)
		if other := of("ops", n, "another"); !errors.Is(settle(t.Context(), j, other), journal.ErrMoved) {
			t.Fatal("other bytes at the same position are not refused")
		}
	}
	if unknown != rounds {
		t.Errorf("%d of %d acknowledgements were lost", unknown, rounds)
	}
	wantLog(t, direct, "ops", numbers(rounds)...)
}

// What never left this machine was not stored, and who waits is told soon.
func TestA1_NATSAwayAndBack(t *testing.T) {
	s := natstest.New(t)
	o := single()
	o.tune = tuning{patience: 300 * time.Millisecond, answer: 200 * time.Millisecond}
	j := mustOpen(t, s.URL(), o)
	must(t, j, of("ops", 0, "1"))
	s.Stop(t)
	until(t, "the connection is known to be broken", func() bool { return !j.conn.IsConnected() })
	if _, err := j.Append(t.Context(), of("ops", 1, "2")); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("append: got %v, want ErrUnavailable", err)
	}
	if _, err := j.Append(t.Context(), of("new", 0, "2")); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("append to a new log: got %v, want ErrUnavailable", err)
	}
	if _, _, err := j.Head(t.Context(), "ops"); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("head: got %v, want ErrUnavailable", err)
	}
	if _, err := j.List(t.Context(), "", 1); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("list: got %v, want ErrUnavailable", err)
	}
	if _, err := j.Snapshot(t.Context(), "ops", 1); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("snapshot: got %v, want ErrUnavailable", err)
	}
	if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 1, Data: []byte("x")}); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("save snapshot: got %v, want ErrUnavailable", err)
	}
	for _, err := range j.Read(t.Context(), "ops", 0) {
		if !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("read: got %v, want ErrUnavailable", err)
		}
	}
	s.Start(t)
	must(t, j, of("ops", 1, "2"))
	until(t, "it reads again", func() bool {
		head, _, err := j.Head(t.Context(), "ops")
		return err == nil && head == 2
	})
	wantLog(t, mustOpen(t, s.URL(), single()), "ops", "1", "2")
}

// TestA4_FollowersHearEverythingOverAnOutage: the consumer goes on where it was.
func TestA4_FollowersHearEverythingOverAnOutage(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	p := newProxy(t, s.url())
	follower := mustOpen(t, p.url(), single())
	writer := mustOpen(t, s.url(), single())
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan journal.Delivery, 1000)
	ended := make(chan error, 1)
	go func() { ended <- follower.Follow(ctx, func(d journal.Delivery) { heard <- d }) }()
	defer func() {
		cancel()
		<-ended
	}()
	until(t, "the follower listens", follower.feed.Active)
	const appends = 60
	for n := range journal.Position(appends) {
		if n%20 == 10 {
			p.cut()
		}
		must(t, writer, of("ops", n, fmt.Sprint(n+1)))
	}
	var got []string
	for len(got) < appends {
		d := <-heard
		if int(d.After) != len(got) {
			t.Fatalf("heard what follows %d, was at %d", d.After, len(got))
		}
		for _, r := range d.Records {
			got = append(got, string(r))
		}
	}
	if !slices.Equal(got, numbers(appends)) {
		t.Errorf("heard %q", got)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	j, err := Open(t.Context(), s.url(), single())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- j.Follow(t.Context(), func(journal.Delivery) {}) }()
	until(t, "somebody follows", j.feed.Active)
	must(t, j, of("ops", 0, "1"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("follow ended with %v, want ErrUnavailable", err)
	}
	if _, err := j.Append(t.Context(), of("ops", 1, "2")); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("append: got %v, want ErrUnavailable", err)
	}
	if _, _, err := j.Head(t.Context(), "ops"); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("head: got %v, want ErrUnavailable", err)
	}
}

// TestA1_ARefusedComparisonIsLookedInto: the stream's leader refuses an append that
// it has stored before just as it refuses one that lost a race.
func TestA1_ARefusedComparisonIsLookedInto(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	j := mustOpen(t, s.url(), single())
	must(t, j, of("ops", 0, "1"))
	old, _ := j.tails.get("ops")
	must(t, j, of("ops", 1, "2"))
	until(t, "the follower has heard of both", func() bool { return j.watched.Load() == 2 })
	stale := func() {
		j.tails.forget("ops")
		j.tails.put("ops", old)
	}
	stale()
	if _, err := j.Append(t.Context(), of("ops", 1, "2")); err != nil {
		t.Errorf("the append that is stored: %v", err)
	}
	stale()
	if _, err := j.Append(t.Context(), of("ops", 1, "other")); !errors.Is(err, journal.ErrMoved) {
		t.Errorf("another: got %v, want ErrMoved", err)
	}
	wantLog(t, j, "ops", "1", "2")
}
