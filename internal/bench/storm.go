package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stormAtOnce is how many sessions are on their way at the same time. The kernel keeps
	// up to 4,096 connections for a server that has not come to accept them, and lets those
	// beyond wait for a second.
	stormAtOnce = 2000
	// stormWithin bounds the time until all are live.
	stormWithin = 60 * time.Second
)

// storm measures how soon sessions are live again that were all cut off at once, as
// when a network comes back: TCP, handshake, signed in, and resumed where they were.
// While they are away each dashboard is edited, so that there is something to resume.
func (r *run) storm(ctx context.Context) error {
	r.readBuffers(512)
	before, err := r.settledUsage(ctx)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.closeAll()
	editors, err := r.openEditors(ctx, &wg, make([]Histogram, len(r.nodes)))
	if err != nil {
		return err
	}
	s := &storm{run: r, free: make(chan struct{}, stormAtOnce), again: make(chan struct{})}
	ctx, cancel := context.WithCancel(ctx) // ends those that are still to connect
	defer cancel()
	first, second := newWave(r.opts.Sessions), newWave(r.opts.Sessions)
	readers := make([]*reader, r.opts.Sessions)
	for i := range readers {
		v := &survivor{reader: reader{synced: make(chan struct{})}, n: i, name: r.name + "-s" + strconv.Itoa(i), dashboard: r.dashboard(i % r.opts.Dashboards)}
		readers[i] = &v.reader
		wg.Go(func() { v.survive(ctx, s, first, second) })
	}
	if err := first.wait(ctx); err != nil {
		return err
	}
	r.opts.Progress(fmt.Sprintf("idle for %s", r.opts.Duration))
	if err := wait(ctx, r.opts.Duration); err != nil {
		return err
	}
	idle, err := r.settledUsage(ctx)
	if err != nil {
		return err
	}

	r.opts.Progress("cutting all off")
	edit := func() {
		for _, e := range editors {
			if !e.queueOp() || e.flush() != nil {
				r.fault("an edit could not be sent")
			}
		}
	}
	peak := watchMemory(r.opts.ServerPID)
	defer peak.end()
	own, began := ownTime(), time.Now()
	s.cut.Store(true)
	if r.opts.Kill > 0 {
		if err := kill(r.opts.Kill); err != nil {
			return err
		}
	} else {
		for _, rd := range readers {
			rd.cut()
		}
	}
	cut := time.Since(began)
	edit()
	close(s.again)
	if err := second.wait(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	own = ownTime() - own
	highest := peak.end()
	after, err := r.usage(ctx)
	if err != nil {
		return err
	}

	edit() // each is live: it hears of what is edited now
	if err := r.finish(ctx, editors, readers); err != nil {
		return err
	}
	n := float64(len(readers))
	r.report.Seconds = took.Seconds()
	r.report.add("cut off within", millis(cut), "ms")
	r.report.add("all live again after", took.Seconds(), "s")
	r.report.times("one of them", second.times.Counts())
	r.report.add("resumed by what they missed alone", 100*float64(second.deltas.Load())/n, "%")
	r.report.add("processor of the generator, for each", micros(own)/n, "µs")
	if r.opts.ServerPID > 0 {
		r.report.add("processor of the server, for each", micros(after.processor-idle.processor)/n, "µs")
		r.report.add("server before", before.memory/(1<<20), "MiB")
		r.report.add("server with them", idle.memory/(1<<20), "MiB")
		r.report.add("server at most", max(highest, after.memory)/(1<<20), "MiB")
	}
	return nil
}

// storm is what its sessions share.
type storm struct {
	*run
	free  chan struct{} // holds one for each that is on its way
	cut   atomic.Bool   // all are cut off
	again chan struct{} // closed when they may come back
}

// wave is all sessions connecting.
type wave struct {
	times  Histogram
	deltas atomic.Int64 // those that were told what they had missed and no more
	left   atomic.Int64 // not live yet
	live   chan struct{}
}

func newWave(n int) *wave {
	w := &wave{live: make(chan struct{})}
	w.left.Store(int64(n))
	return w
}

// wait returns once all are live.
func (w *wave) wait(ctx context.Context) error {
	late := time.NewTimer(stormWithin)
	defer late.Stop()
	select {
	case <-w.live:
		return nil
	case <-late.C:
		return fmt.Errorf("%d sessions were not live after %s", w.left.Load(), stormWithin)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// survivor is a session that comes back when it was cut off.
type survivor struct {
	reader
	n               int // of its run
	name, dashboard string
	epoch           string
}

// survive connects in the first wave, and in the second once it was cut off.
func (v *survivor) survive(ctx context.Context, s *storm, waves ...*wave) {
	for i, w := range waves {
		if i > 0 {
			select {
			case <-s.again:
			case <-ctx.Done():
				return
			}
		}
		if err := v.live(ctx, s, w); !s.cut.Load() || i == len(waves)-1 {
			s.lost("a session", err)
			return
		}
	}
}

// live is one connection, from dialling to its end.
func (v *survivor) live(ctx context.Context, s *storm, w *wave) error {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	began, waiting := time.Now(), true
	arrived := func() {
		if waiting {
			waiting = false
			<-s.free
		}
	}
	defer arrived()
	to := s.nodes[0]
	if others := s.nodes[1:]; v.epoch != "" && len(others) > 0 {
		to = others[v.n%len(others)]
	}
	c, err := s.introduce(ctx, to, v.name, "", v.dashboard, v.epoch, v.version.Load())
	if err != nil {
		return err
	}
	v.conn = c
	welcomes := 0
	for err == nil {
		err = c.read(func(m []byte) error {
			switch kindOf(m) {
			case connectKind:
				welcomes++
			case byeKind:
				s.fault("a session was sent away: %.200s", m)
			case syncKind:
				if !waiting {
					break
				}
				if welcomes != 2 {
					s.fault("a session was told its place before it was signed in")
				}
				if v.epoch == "" {
					v.epoch = textAfter(m, epochKey)
				}
				if bytes.Contains(m[:min(len(m), 400)], deltaMode) {
					w.deltas.Add(1)
				}
				w.times.Add(time.Since(began))
				arrived()
				defer func() {
					if w.left.Add(-1) == 0 {
						close(w.live)
					}
				}()
			}
			return v.message(s.run, m, nil)
		})
	}
	return err
}
