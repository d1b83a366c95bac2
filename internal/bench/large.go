package bench

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/jsontext"
)

const (
	// largeBytes is about what each widget of a large dashboard takes: 2,000 of them
	// are just under the default limit of a document (D5).
	largeBytes = 2000
	// smallBytes is the same of the dashboard beside them.
	smallBytes = 300
	// readyEdits are made on each large dashboard before it is opened: enough for the
	// server to save a snapshot when it lets go of it.
	readyEdits = 200
	// unloads bounds the wait for the server to let go of dashboards that nobody follows.
	unloads = 40 * time.Second
)

// largeDocument is a document of n widgets in rows of four.
func largeDocument(n, widgetBytes int) string {
	var doc, items strings.Builder
	doc.WriteString(`{"widgets":{`)
	for i := range n {
		if i > 0 {
			doc.WriteByte(',')
			items.WriteByte(',')
		}
		fmt.Fprintf(&doc, `"w%d":{"type":"timeseries","title":"Widget %d","config":{"unit":"short","queries":[`, i, i)
		for at, q := doc.Len(), 0; doc.Len()-at < widgetBytes-150; q++ {
			if q > 0 {
				doc.WriteByte(',')
			}
			fmt.Fprintf(&doc, `{"expr":"sum(rate(http_requests_total{job=\"api-%d\"}[5m])) by (code)","legend":"{{code}} %d"}`, q, i)
		}
		doc.WriteString(`]}}`)
		fmt.Fprintf(&items, `"w%d":{"x":%d,"y":%d,"w":6,"h":4}`, i, i%4*6, i/4*4)
	}
	doc.WriteString(`},"layouts":{"main":{"columns":24,"compact":"vertical","items":{` + items.String() + `}}}}`)
	return doc.String()
}

// large measures dashboards as large as they may be: what an edit of one costs beside an
// edit of a small one, and how long opening takes when the server has nothing of them in
// memory.
func (r *run) large(ctx context.Context) error {
	small := r.opts.Dashboards // its number, after those of the large ones
	if err := r.makeReady(ctx); err != nil {
		return err
	}
	began := time.Now()
	for _, kind := range []struct {
		name  string
		moves bool
	}{{"edit", false}, {"move", true}} {
		var costs [2]cost // small, large
		for range costRounds {
			for i, n := range [...]int{small, 0} {
				c, err := r.cost(ctx, n, kind.moves)
				if err != nil {
					return err
				}
				costs[i].add(c)
			}
		}
		for i, size := range [...]string{"small", "large"} {
			costs[i].tell(r, size+" dashboard, each "+kind.name)
		}
	}
	r.report.Seconds = time.Since(began).Seconds()
	return r.openings(ctx)
}

// costRounds is how often a small and a large dashboard take turns.
const costRounds = 3

// makeReady edits each large dashboard so that its log is more than its first entry.
func (r *run) makeReady(ctx context.Context) error {
	for i := range r.opts.Dashboards {
		r.opts.Progress(fmt.Sprintf("large dashboard %d of %d", i+1, r.opts.Dashboards))
		if _, err := r.drive(ctx, i, false, readyEdits, 0); err != nil {
			return err
		}
	}
	return nil
}

// cost is what a number of edits took of the server.
type cost struct {
	edits uint64
	cpu   time.Duration
	bytes float64 // allocated; of all, as far as the server tells
	acks  Counts
}

func (c *cost) add(d cost) {
	c.edits += d.edits
	c.cpu += d.cpu
	c.bytes += d.bytes
	if c.acks == nil {
		c.acks = make(Counts, len(d.acks))
	}
	for i, n := range d.acks {
		c.acks[i] += n
	}
}

func (c *cost) tell(r *run, name string) {
	r.report.add(name+": edits", float64(c.edits), "")
	if c.edits == 0 {
		return
	}
	if c.cpu > 0 {
		r.report.add(name+": server", micros(c.cpu)/float64(c.edits), "µs")
	}
	if c.bytes > 0 {
		r.report.add(name+": allocated", c.bytes/1024/float64(c.edits), "KiB")
	}
	r.report.add(name+": answer p50", millis(c.acks.Quantile(0.5)), "ms")
	r.report.add(name+": answer p99", millis(c.acks.Quantile(0.99)), "ms")
}

// cost has one dashboard edited for a share of the duration.
func (r *run) cost(ctx context.Context, n int, moves bool) (cost, error) {
	r.opts.Progress(fmt.Sprintf("editing dashboard %d", n))
	return r.drive(ctx, n, moves, 0, r.opts.Duration/(4*costRounds))
}

// drive edits a dashboard that a reader follows, a number of times or for a duration,
// and measures from the moment that both are there.
func (r *run) drive(ctx context.Context, n int, moves bool, edits uint64, during time.Duration) (c cost, err error) {
	var acks Histogram
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.closeAll()
	r.mu.Lock()
	r.leaves = false
	r.mu.Unlock()
	conn, err := r.open(ctx, r.name+"-r", r.dashboard(n))
	if err != nil {
		return c, err
	}
	rd := &reader{conn: conn, synced: make(chan struct{})}
	wg.Go(func() { rd.run(r, nil) })
	select {
	case <-rd.synced:
	case <-time.After(settle):
		return c, fmt.Errorf("a reader has no document after %s", settle)
	case <-ctx.Done():
		return c, ctx.Err()
	}
	if conn, err = r.open(ctx, r.name+"-e", ""); err != nil {
		return c, err
	}
	r.drives++
	e := newEditor(conn, r.name+"-"+strconv.Itoa(r.drives), 0, r.dashboard(n))
	if moves {
		last := r.opts.Widgets - 1
		if n == r.opts.Dashboards {
			last = widgets - 1
		}
		e.moves = &place{r.dashboard(n), last / 4 * 4, last / 4 * 4}
	}
	before, err := r.usage(ctx)
	if err != nil {
		return c, err
	}
	wg.Go(func() { e.run(r, r.opts.InFlight, &acks) })
	for until := time.Now().Add(during); err == nil && (e.acked.Load() < edits || time.Now().Before(until)); {
		err = wait(ctx, 10*time.Millisecond)
	}
	e.stop()
	select {
	case <-e.idle:
	case <-ctx.Done():
		return c, ctx.Err()
	case <-time.After(settle):
		r.fault("an editor got no answer within %s", settle)
	}
	after, err := r.usage(ctx)
	if err != nil {
		return c, err
	}
	return cost{edits: e.acked.Load(), cpu: after.processor - before.processor, bytes: after.allocated - before.allocated, acks: acks.Counts()}, nil
}

// openings measures how long documents take from asking to the last part, first with
// nothing of the dashboard in the server's memory and then with all of it there.
func (r *run) openings(ctx context.Context) error {
	if err := r.unloaded(ctx); err != nil {
		return err
	}
	var cold, warm Histogram
	bytes := 0
	before, err := r.usage(ctx)
	if err != nil {
		return err
	}
	for _, h := range []*Histogram{&cold, &warm} {
		for i := range r.opts.Dashboards {
			n, err := r.opening(ctx, i, h)
			if err != nil {
				return fmt.Errorf("opening a large dashboard: %w", err)
			}
			bytes = n
		}
		after, err := r.usage(ctx)
		if err != nil {
			return err
		}
		name := map[*Histogram]string{&cold: "opening cold", &warm: "opening warm"}[h]
		if after.processor > 0 {
			cpu := millis(after.processor-before.processor) / float64(r.opts.Dashboards)
			r.report.add(name+": server", cpu, "ms")
		}
		r.report.add(name+" p50", millis(h.Counts().Quantile(0.5)), "ms")
		r.report.add(name+" max", millis(h.Counts().Quantile(1)), "ms")
		before = after
	}
	r.report.add("document", float64(bytes)/(1<<20), "MiB")
	return nil
}

// unloaded waits until the server has no dashboard open.
func (r *run) unloaded(ctx context.Context) error {
	r.opts.Progress("waiting until the server has let go of the dashboards")
	for until := time.Now().Add(unloads); ; {
		text, err := r.request(ctx, http.MethodGet, "/api/stats", nil)
		if err != nil {
			return err
		}
		var stats struct {
			Rooms struct {
				Open int `json:"rooms"`
			} `json:"rooms"`
		}
		if err := jsontext.Decode(text, &stats); err != nil {
			return fmt.Errorf("the server's statistics: %w", err)
		}
		if stats.Rooms.Open == 0 {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("the server still has %d dashboards open after %s: measure one that nobody else uses, without the demo",
				stats.Rooms.Open, unloads)
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// opening follows a dashboard once and returns the bytes of its document.
func (r *run) opening(ctx context.Context, n int, h *Histogram) (bytes int, err error) {
	c, err := r.nodes[0].dial(ctx)
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { c.close() })
	defer stop()
	defer c.close()
	c.queue(opText, []byte(`{"type":"CONNECT","id":"hello","payload":{"clientId":"`+r.name+`-o"}}`))
	if err := c.flush(); err != nil {
		return 0, err
	}
	connects := 0
	for connects < 2 && err == nil {
		err = c.read(func(m []byte) error {
			if kindOf(m) == connectKind {
				connects++
			}
			return nil
		})
	}
	c.grow(512 << 10)
	c.queue(opText, []byte(`{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"`+r.dashboard(n)+`"}}`))
	asked := time.Now()
	if err == nil {
		err = c.flush()
	}
	whole := false
	for err == nil && !whole {
		err = c.read(func(m []byte) error {
			switch kindOf(m) {
			case syncKind:
				bytes += len(m)
				whole = lastPart(m)
			case nackKind:
				return fmt.Errorf("refused: %.200s", m)
			}
			return nil
		})
	}
	h.Add(time.Since(asked))
	return bytes, err
}
