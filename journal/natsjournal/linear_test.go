package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/journal"
)

// What clients do to a log, and what they are told.
type (
	logInput struct {
		kind   byte // 'a' append, 'h' head, 'r' read
		log    string
		after  int
		record string
	}
	logOutput struct {
		moved   bool
		head    int
		records string
	}
)

// logModel is a log as one machine would keep it: the state is its records, each
// followed by a space.
var logModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byLog := make(map[string][]porcupine.Operation)
		for _, op := range history {
			log := op.Input.(logInput).log
			byLog[log] = append(byLog[log], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byLog {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		records, in, out := state.(string), input.(logInput), output.(logOutput)
		head := strings.Count(records, " ")
		switch in.kind {
		case 'a':
			if out.moved {
				return head != in.after, records
			}
			return head == in.after, records + in.record + " "
		case 'h':
			return out.head == head, records
		}
		return out.records == records, records
	},
}

// TestA3_TwoNodesAreLinearizable lets nodes race while leaders change and servers
// go and come, and checks that everything they were told fits one order.
func TestA3_TwoNodesAreLinearizable(t *testing.T) {
	c := natstest.NewCluster(t)
	o := single()
	o.Replicas = 3
	o.tune = tuning{ack: time.Second, answer: 500 * time.Millisecond}
	const nodes, clients, dashboards = 3, 3, 2
	var history []porcupine.Operation
	var mu sync.Mutex
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var clientsEnded sync.WaitGroup
	for n := range nodes {
		j := mustOpen(t, c.URLs(), o)
		for k := range clients {
			client := n*clients + k
			rng := rand.New(rand.NewPCG(7, uint64(client)))
			clientsEnded.Go(func() {
				heads := make(map[string]int)
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					in := logInput{kind: "aaahr"[rng.IntN(5)], log: fmt.Sprint("d", rng.IntN(dashboards))}
					in.after, in.record = heads[in.log], fmt.Sprintf("%d/%d", client, i)
					call := time.Since(begin).Nanoseconds()
					out, err := do(ctx, j, in)
					if err != nil {
						t.Error(err)
						return
					}
					answered := time.Since(begin).Nanoseconds()
					switch {
					case in.kind == 'r':
						heads[in.log] = strings.Count(out.records, " ")
					case in.kind == 'h':
						heads[in.log] = out.head
					case !out.moved:
						heads[in.log]++
					}
					mu.Lock()
					history = append(history, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: answered})
					mu.Unlock()
				}
			})
		}
	}
	grown := func() {
		mu.Lock()
		before := len(history)
		mu.Unlock()
		until(t, "there are fifty answers more", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(history) >= before+50 || t.Failed()
		})
	}
	operator := admin(t, c.URLs()).Conn()
	grown()
	for i := range 4 {
		s := c.LeaderOf(t, "dashwire")
		if s == nil {
			s = c.Servers[i%3]
		}
		if i%2 == 0 {
			// It may have stepped down by itself.
			_, _ = operator.Request("$JS.API.STREAM.LEADER.STEPDOWN.dashwire", nil, time.Minute)
		} else {
			s.Stop(t)
			grown()
			s.Start(t)
			c.WaitReady(t)
		}
		grown()
	}
	close(stop)
	clientsEnded.Wait()
	moved := 0
	for _, op := range history {
		if op.Output.(logOutput).moved {
			moved++
		}
	}
	t.Logf("%d operations, %d lost races", len(history), moved)
	if moved == 0 {
		t.Error("nobody lost a race: this shows nothing")
	}
	if result := porcupine.CheckOperationsTimeout(logModel, history, 4*time.Minute); result != porcupine.Ok {
		t.Errorf("what the nodes were told does not fit one order: %s", result)
	}
}

// do does one operation until its outcome is known.
func do(ctx context.Context, j *Journal, in logInput) (logOutput, error) {
	for {
		var out logOutput
		var err error
		switch in.kind {
		case 'a':
			err = settle(ctx, j, of(in.log, journal.Position(in.after), in.record))
			if errors.Is(err, journal.ErrMoved) {
				out.moved, err = true, nil
			}
		case 'h':
			var head journal.Position
			head, _, err = j.Head(ctx, in.log)
			out.head = int(head)
		case 'r':
			var text strings.Builder
			for r, e := range j.Read(ctx, in.log, 0) {
				if err = e; err != nil {
					break
				}
				text.Write(append(slices.Clone(r.Data), ' '))
			}
			out.records = text.String()
		}
		if ctx.Err() != nil || !errors.Is(err, journal.ErrUnavailable) {
			return out, err
		}
	}
}

// TestA3_HeadNeedsAQuorum: a leader that lost the others may have been replaced
// without knowing, so what it has is not confirmed to be the newest.
func TestA3_HeadNeedsAQuorum(t *testing.T) {
	c := natstest.NewCluster(t)
	o := single()
	o.Replicas = 3
	j := mustOpen(t, c.URLs(), o)
	must(t, j, of("ops", 0, "1"))
	leader := c.LeaderOf(t, j.stream)
	o.tune = tuning{patience: 100 * time.Millisecond, ack: 500 * time.Millisecond, answer: 500 * time.Millisecond}
	alone := mustOpen(t, leader.URL(), o)
	until(t, "the head is confirmed", func() bool {
		head, _, err := alone.Head(t.Context(), "ops")
		return err == nil && head == 1
	})
	for _, s := range c.Servers {
		if s != leader {
			s.Stop(t)
		}
	}
	until(t, "the server that is left answers", func() bool {
		e, err := alone.lookup(t.Context(), "ops", false)
		return err == nil && e.head == 1
	})
	if head, _, err := alone.Head(t.Context(), "ops"); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("head is %d, %v; want ErrUnavailable", head, err)
	}
	for _, err := range alone.Read(t.Context(), "ops", 0) {
		if !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("read: got %v, want ErrUnavailable", err)
		}
	}
	if _, err := alone.Append(t.Context(), of("ops", 1, "2")); !errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("append: got %v, want ErrUnknown or ErrUnavailable", err)
	}
	for _, s := range c.Servers {
		if s != leader {
			s.Start(t)
		}
	}
	must(t, alone, of("ops", 1, "2"))
	wantLog(t, j, "ops", "1", "2")
}
