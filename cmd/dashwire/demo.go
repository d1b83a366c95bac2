package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/bench"
	"github.com/dashwire/dashwire/internal/hostmetrics"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
)

// demo keeps the dashboard of this machine. It is made once in the life of a data
// file: what people have made of it stays, and if they have deleted it, it is gone.
type demo struct {
	log        *slog.Logger
	sampler    *hostmetrics.Sampler
	changed    atomic.Bool // the dashboard, since its widgets were looked at
	edits      atomic.Uint64
	deliveries atomic.Uint64
	acks       bench.Histogram
	fanouts    bench.Histogram
}

func newDemo(log *slog.Logger) *demo {
	return &demo{log: log, sampler: hostmetrics.NewSampler(hostmetrics.Options{})}
}

// demoEvery is the time between two samples; demoRecent the time over which the
// numbers of the server itself are told.
const (
	demoEvery  = time.Second
	demoRecent = 10
)

// hooks count what the demo shows of the server.
func (d *demo) hooks() observe.Hooks {
	return observe.Hooks{
		Commit: func(e *board.Entry) {
			d.edits.Add(1)
			if e.DashboardID == hostmetrics.DemoID {
				d.changed.Store(true)
			}
		},
		Deliver:      func(entries, _ int) { d.deliveries.Add(uint64(entries)) },
		Acknowledged: d.acks.Add,
		Fanout:       d.fanouts.Add,
	}
}

// run feeds the dashboard until ctx ends, as long as it is there: those of its widgets
// that people have left.
func (d *demo) run(ctx context.Context, srv *dashwire.Server) {
	as := dashwire.App("dashwire")
	tick := time.NewTicker(demoEvery)
	defer tick.Stop()
	var recent [demoRecent]reading
	var widgets map[string]board.Value
	for n := 0; ; n++ {
		now := time.Now()
		last := recent[n%demoRecent] // what was read demoRecent times ago, at first nothing
		reads := d.read(now)
		recent[n%demoRecent] = reads
		if d.changed.Swap(false) {
			doc, _, err := srv.Document(ctx, hostmetrics.DemoID)
			if err != nil {
				d.changed.Store(true) // looked at again the next time
			} else {
				widgets = doc.Widgets
			}
		}
		if len(widgets) > 0 {
			sample, err := d.sampler.Sample(now)
			if err != nil {
				d.log.Warn("this machine tells nothing about itself, so there are no values", "err", err)
				return
			}
			own := reads.since(last)
			own.Sessions = srv.Stats().Sessions.Sessions
			if err := srv.Feed(ctx, as, hostmetrics.DemoID, demoValues(sample, own, widgets)...); err != nil && ctx.Err() == nil {
				d.log.Debug("feeding the demo dashboard", "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// create makes the dashboard, unless its log has a single entry.
func (d *demo) create(ctx context.Context, srv *dashwire.Server, j journal.Journal) error {
	head, _, err := j.Head(ctx, hostmetrics.DemoID)
	if err != nil {
		return err
	}
	d.changed.Store(true)
	if head == 0 {
		_, err = srv.Put(ctx, dashwire.App("dashwire"), hostmetrics.DemoID, "demo", hostmetrics.DemoDocument(d.sampler.Facts()))
	}
	return err
}

// demoValues are the values of the widgets that are there.
func demoValues(s hostmetrics.Sample, own hostmetrics.ServerStats, widgets map[string]board.Value) []dashwire.Value {
	var all []dashwire.Value
	for _, v := range hostmetrics.Values(s, own) {
		if _, ok := widgets[v.WidgetID]; ok {
			all = append(all, dashwire.Value{WidgetID: v.WidgetID, Data: v.Data, Append: v.Mode == hostmetrics.Append, Window: v.Window})
		}
	}
	return all
}

// reading is what the counters said at one moment.
type reading struct {
	at                time.Time
	edits, deliveries uint64
	acks, fanouts     bench.Counts
}

func (d *demo) read(now time.Time) reading {
	return reading{at: now, edits: d.edits.Load(), deliveries: d.deliveries.Load(), acks: d.acks.Counts(), fanouts: d.fanouts.Counts()}
}

// since gives rates over the time since an earlier reading; none since a zero one.
func (r reading) since(last reading) hostmetrics.ServerStats {
	if last.at.IsZero() {
		return hostmetrics.ServerStats{}
	}
	seconds := max(r.at.Sub(last.at).Seconds(), 0.001)
	return hostmetrics.ServerStats{
		EditsPerSecond:      float64(r.edits-last.edits) / seconds,
		DeliveriesPerSecond: float64(r.deliveries-last.deliveries) / seconds,
		AckP99:              r.acks.Since(last.acks).Quantile(0.99),
		FanoutP99:           r.fanouts.Since(last.fanouts).Quantile(0.99),
	}
}
