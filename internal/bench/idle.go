package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// idleSettle is how long memory is left to settle before it is read, at most.
const idleSettle = 3 * time.Second

// idle measures what sessions cost that follow a dashboard on which nothing happens.
func (r *run) idle(ctx context.Context) error {
	r.readBuffers(512)
	before, err := r.settledUsage(ctx)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.closeAll()
	began := time.Now()
	readers := make([]*reader, r.opts.Sessions)
	err = r.openMany(ctx, len(readers), func(i int) error {
		c, err := r.open(ctx, r.name+"-i"+strconv.Itoa(i), r.dashboard(i%r.opts.Dashboards))
		if err != nil {
			return err
		}
		readers[i] = &reader{conn: c, synced: make(chan struct{})}
		wg.Go(func() { readers[i].run(r, nil) })
		select {
		case <-readers[i].synced:
			return nil
		case <-time.After(settle):
			return fmt.Errorf("a session has no document after %s", settle)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	r.opts.Progress(fmt.Sprintf("idle for %s", r.opts.Duration))
	quiet, err := r.settledUsage(ctx)
	if err != nil {
		return err
	}
	from := time.Now()
	if err := wait(ctx, r.opts.Duration); err != nil {
		return err
	}
	after, err := r.usage(ctx)
	if err != nil {
		return err
	}
	idle := time.Since(from).Seconds()
	r.report.Seconds = time.Since(began).Seconds()
	r.report.add("sessions", float64(len(readers)), "")
	r.report.add("opened", float64(len(readers))/took.Seconds(), "/s")
	r.report.add("server before", before.memory/(1<<20), "MiB")
	r.report.add("server with them", after.memory/(1<<20), "MiB")
	r.report.add("each session", (after.memory-before.memory)/1024/float64(len(readers)), "KiB")
	if after.processor > 0 {
		r.report.add("processor of the server, for each and second", micros(after.processor-quiet.processor)/idle/float64(len(readers)), "µs")
	}
	return nil
}

// connect measures how many sessions can be opened in a second: TCP, handshake,
// CONNECT both ways, a document, and leaving.
func (r *run) connect(ctx context.Context) error {
	r.opts.Progress(fmt.Sprintf("opening sessions for %s", r.opts.Duration))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := time.AfterFunc(r.opts.Duration, cancel)
	defer over.Stop()
	var took Histogram
	var opened atomic.Uint64
	var serial atomic.Uint64
	var wg sync.WaitGroup
	began := time.Now()
	for range r.opts.Editors {
		wg.Go(func() {
			for ctx.Err() == nil {
				at := time.Now()
				err := r.visit(ctx, r.name+"-c"+strconv.FormatUint(serial.Add(1), 10))
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					r.restarted(err)
					r.fault("a session did not open: %s", err)
					return
				}
				took.Add(time.Since(at))
				opened.Add(1)
			}
		})
	}
	wg.Wait()
	r.report.Seconds = time.Since(began).Seconds()
	r.report.add("sessions opened", float64(opened.Load())/r.report.Seconds, "/s")
	r.report.times("opening", took.Counts())
	return nil
}

// errSynced ends a visit.
var errSynced = errors.New("synced")

// visit opens a session, waits for a document, and leaves.
func (r *run) visit(ctx context.Context, client string) error {
	c, err := r.nodes[0].dial(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.close() })
	defer stop()
	defer c.close()
	c.queue(opText, []byte(`{"type":"CONNECT","id":"hello","payload":{"clientId":"`+client+`"}}`))
	c.queue(opText, []byte(`{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"`+r.dashboard(0)+`"}}`))
	if err := c.flush(); err != nil {
		return err
	}
	for err == nil {
		err = c.read(func(m []byte) error {
			if kindOf(m) == syncKind {
				return errSynced
			}
			return nil
		})
	}
	if !errors.Is(err, errSynced) {
		return err
	}
	return nil
}
