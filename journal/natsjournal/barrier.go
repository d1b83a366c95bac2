package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// barrier makes reads linearizable. A replica may be behind, and one that was the
// leader may not know yet that it no longer is. So a read that must see everything
// first has a message written, as durable as an append; then it takes only the
// answer of a replica that has this message. All who come while one is being
// written share the next.
type barrier struct {
	mu      sync.Mutex
	running bool
	waiting *round // those for the next one; nil = nobody
}

type round struct {
	done chan struct{}
	seq  uint64
	err  error
}

// raise returns the sequence number of a barrier that was begun after the call.
func (j *Journal) raise(ctx context.Context) (uint64, error) {
	b := &j.barrier
	b.mu.Lock()
	if b.waiting == nil {
		b.waiting = &round{done: make(chan struct{})}
	}
	r := b.waiting
	if !b.running {
		if !j.tasks.Go(j.raiseAll) {
			b.waiting = nil
			b.mu.Unlock()
			return 0, errClosed
		}
		b.running = true
	}
	b.mu.Unlock()
	select {
	case <-r.done:
		return r.seq, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// raiseAll writes barriers for as long as somebody waits for one.
func (j *Journal) raiseAll() {
	b := &j.barrier
	for {
		b.mu.Lock()
		r := b.waiting
		b.waiting = nil
		if r == nil {
			b.running = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		r.seq, r.err = j.raiseOne()
		close(r.done)
	}
}

func (j *Journal) raiseOne() (seq uint64, err error) {
	err = j.patiently(j.life, func() error {
		before := j.highest.Load()
		seq, err = j.publish(j.life, j.stream, j.subjects.barrier, nil, anySeq, true)
		if err != nil {
			return err
		}
		return j.sawNew(before, seq)
	})
	if err != nil && !errors.Is(err, errClosed) {
		err = fmt.Errorf("have the stream's leader confirm what is newest: %w", err)
	}
	return seq, err
}
