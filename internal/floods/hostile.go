package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// hostileCommand begins the arguments of a process of attackers.
const hostileCommand = "hostile"

// connectsPerSecond bounds how fast sockets are opened, those that come back included.
const connectsPerSecond = 1500

// tally is what attackers saw.
type tally struct {
	Sockets  int            `json:"sockets"`
	Opened   uint64         `json:"opened"`   // connections that got somewhere
	Refused  uint64         `json:"refused"`  // connections and handshakes that did not
	Sent     uint64         `json:"sent"`     // frames, bytes, requests: what the flood counts
	Closed   map[string]int `json:"closed"`   // sessions that the server ended, by close code
	Answered map[string]int `json:"answered"` // HTTP requests by status
}

// gang is many sockets that attack in one way.
type gang struct {
	address   string
	addresses int
	tokens    []string // one for each socket
	huge      []byte   // a message of 2 MiB, which all share
	connects  *rate.Limiter
	actions   *rate.Limiter

	opened, refused, acted, ids atomic.Uint64
	readers                     sync.WaitGroup // end with the attackers' sockets

	mu     sync.Mutex
	closed map[string]int
	status map[string]int
}

// runHostile attacks until its input ends. It says "begun" once every socket has tried.
func runHostile(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet(hostileCommand, flag.ContinueOnError)
	name := flags.String("flood", "", "which")
	address := flags.String("address", "", "of the server")
	sockets := flags.Int("sockets", 1, "how many")
	addresses := flags.Int("addresses", 1, "that they come from")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f := floodOf(*name)
	if f == nil {
		return fmt.Errorf("there is no flood %q", *name)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()

	n := *sockets
	if f.most > 0 {
		n = min(n, f.most)
	}
	g := &gang{
		address: *address, addresses: *addresses, tokens: make([]string, n), huge: frame(text, make([]byte, 2<<20)),
		connects: rate.NewLimiter(connectsPerSecond, 10), actions: rate.NewLimiter(rate.Limit(f.rate), max(1, int(f.rate/20))),
		closed: map[string]int{}, status: map[string]int{},
	}
	var who string
	for i := range n {
		if i%40 == 0 { // a user may have 50 sessions
			var err error
			if who, err = token("mallory-"+strconv.Itoa(i/40), "arena*"); err != nil {
				return err
			}
		}
		g.tokens[i] = who
	}
	var attackers sync.WaitGroup
	tried := make(chan struct{}, n)
	for i := range n {
		attackers.Go(func() { g.attacker(ctx, f, i, tried) })
	}
	for range n {
		select {
		case <-tried:
		case <-ctx.Done():
		}
	}
	fmt.Fprintln(out, "begun")
	attackers.Wait()
	g.readers.Wait()
	return json.NewEncoder(out).Encode(tally{
		Sockets: n, Opened: g.opened.Load(), Refused: g.refused.Load(), Sent: g.acted.Load() * uint64(max(1, f.frames)), Closed: g.closed, Answered: g.status,
	})
}

// attacker is one socket, and the next one when that has ended.
func (g *gang) attacker(ctx context.Context, f *flood, i int, tried chan<- struct{}) {
	for first := true; ctx.Err() == nil; first = false {
		if g.connects.Wait(ctx) != nil {
			return
		}
		if first {
			tried <- struct{}{}
		}
		// Other errors are the end of the connection, which dial, hold and answers count.
		var refused *refusedError
		if err := f.attack(ctx, g, i); errors.As(err, &refused) {
			g.refused.Add(1)
			g.answered(refused.status)
		}
	}
}

// dial connects from the address of socket i.
func (g *gang) dial(ctx context.Context, i, receive int) (*socket, error) {
	s, err := dial(ctx, g.address, "127.0.1."+strconv.Itoa(1+i%g.addresses), receive)
	if err != nil && ctx.Err() == nil {
		g.refused.Add(1)
	}
	return s, err
}

// signIn opens a session of the user of socket i.
func (g *gang) signIn(ctx context.Context, i, receive int) (*socket, error) {
	s, err := g.dial(ctx, i, receive)
	if err != nil {
		return nil, err
	}
	if err := s.upgrade(g.address, "Authorization: Bearer "+g.tokens[i]); err != nil {
		s.close()
		return nil, err
	}
	g.opened.Add(1)
	return s, nil
}

// hold waits until the server ends the session.
func (g *gang) hold(ctx context.Context, s *socket) error {
	g.opened.Add(1)
	g.ended(ctx, s.drain())
	return nil
}

// answers reads what the server says until it ends the session, which ends the writing too.
func (g *gang) answers(s *socket) {
	code := s.drain()
	if s.forget() { // not ended by this side
		g.mu.Lock()
		g.closed[strconv.Itoa(code)]++
		g.mu.Unlock()
	}
	s.Conn.Close()
}

func (g *gang) ended(ctx context.Context, code int) {
	if ctx.Err() == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.closed[strconv.Itoa(code)]++
	}
}

func (g *gang) answered(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status[strconv.Itoa(status)]++
}

// leave waits until another action is allowed.
func (g *gang) leave(ctx context.Context) error {
	if err := g.actions.Wait(ctx); err != nil {
		return err
	}
	g.acted.Add(1)
	return nil
}

// act sends something once it is allowed.
func (g *gang) act(ctx context.Context, s *socket, what string) error {
	if err := g.leave(ctx); err != nil {
		return err
	}
	_, err := io.WriteString(s, what)
	return err
}

// id is one that was not used yet.
func (g *gang) id() string { return strconv.FormatUint(g.ids.Add(1), 36) }

// attackers are a process that attacks.
type attackers struct {
	cmd *exec.Cmd
	in  io.Closer
	out bytes.Buffer
	err tail
}

// attack starts a flood and returns once every socket has tried. Attackers run when nobody
// else does: the honest sessions are on the same core.
func (o *options) attack(ctx context.Context, s *server, f flood) (*attackers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &attackers{cmd: pinned(ctx, o.loadCore, "chrt", "--idle", "0", self, hostileCommand, "-flood", f.name, "-address", s.address,
		"-sockets", strconv.Itoa(o.sockets), "-addresses", strconv.Itoa(o.addresses))}
	g.cmd.Stderr = &g.err
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	begun := make(chan struct{})
	g.cmd.Stdout = &firstLine{to: &g.out, come: begun}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	select {
	case <-begun:
		return g, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(time.Minute):
		err = errors.New("the attackers did not begin within a minute")
	}
	_, ended := g.end()
	return nil, errors.Join(err, ended)
}

// end has the attackers stop and returns what they tell.
func (g *attackers) end() ([]byte, error) {
	err := g.in.Close()
	if e := g.cmd.Wait(); e != nil {
		err = errors.Join(err, fmt.Errorf("the attackers: %w: %s", e, g.err.text))
	}
	_, text, _ := bytes.Cut(g.out.Bytes(), []byte("\n"))
	return text, err
}

// firstLine keeps what is written and tells when the first line has come.
type firstLine struct {
	to   *bytes.Buffer
	come chan struct{}
	told bool
}

func (w *firstLine) Write(b []byte) (int, error) {
	w.to.Write(b)
	if !w.told && bytes.IndexByte(b, '\n') >= 0 {
		w.told = true
		close(w.come)
	}
	return len(b), nil
}
