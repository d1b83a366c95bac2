package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"
)

const (
	// warmUp passes before counting begins.
	warmUp = time.Second
	// settle bounds the wait for what is under way when counting has ended.
	settle = 20 * time.Second
)

// edit measures fanout, edits and paced: editors and readers on dashboards.
func (r *run) edit(ctx context.Context) error {
	var late Histogram
	acks := make([]Histogram, len(r.nodes))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.closeAll() // ends the goroutines that read

	readers, err := r.openReaders(ctx, &wg, &late)
	if err != nil {
		return err
	}
	editors, err := r.openEditors(ctx, &wg, acks)
	if err != nil {
		return err
	}
	pacing, endPacing := context.WithCancel(ctx)
	defer endPacing()
	if r.opts.Rate > 0 {
		wg.Go(func() { pace(pacing, editors, r.opts.Rate) })
	}

	r.opts.Progress("warming up")
	if err := wait(ctx, warmUp); err != nil {
		return err
	}
	from, err := r.tally(ctx, editors, readers, acks, &late)
	if err != nil {
		return err
	}
	r.opts.Progress(fmt.Sprintf("measuring for %s", r.opts.Duration))
	if err := wait(ctx, r.opts.Duration); err != nil {
		return err
	}
	to, err := r.tally(ctx, editors, readers, acks, &late)
	if err != nil {
		return err
	}
	endPacing()
	r.opts.Progress("waiting for the last answers")
	if err := r.finish(ctx, editors, readers); err != nil {
		return err
	}
	r.tell(from, to)
	return nil
}

func (r *run) openReaders(ctx context.Context, wg *sync.WaitGroup, late *Histogram) ([]*reader, error) {
	readers := make([]*reader, r.opts.Readers)
	if r.opts.Scenario != Paced {
		late = nil
	}
	err := r.openMany(ctx, len(readers), func(i int) error {
		c, err := r.introduce(ctx, r.readerAt(i), r.name+"-r"+strconv.Itoa(i), takesTogether, r.dashboard(i%r.opts.Dashboards), "", 0)
		if err != nil {
			return err
		}
		readers[i] = &reader{conn: c, synced: make(chan struct{})}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, rd := range readers {
		wg.Go(func() { rd.run(r, late) })
	}
	soon := time.NewTimer(settle)
	defer soon.Stop()
	for _, rd := range readers {
		select {
		case <-rd.synced:
		case <-soon.C:
			return nil, fmt.Errorf("a reader has no document after %s", settle)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return readers, nil
}

// openEditors opens the editors; acks has one for each node.
func (r *run) openEditors(ctx context.Context, wg *sync.WaitGroup, acks []Histogram) ([]*editor, error) {
	editors := make([]*editor, r.opts.Editors)
	err := r.openMany(ctx, len(editors), func(i int) error {
		node := r.nodeOf(i)
		c, err := r.introduce(ctx, r.nodes[node], r.name+"-e"+strconv.Itoa(i), "", "", "", 0)
		if err != nil {
			return err
		}
		editors[i] = newEditor(c, r.name, i, r.dashboard(i%r.opts.Dashboards))
		editors[i].node, editors[i].mayBeRefused = node, r.opts.Scenario == Shared
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, e := range editors {
		wg.Go(func() { e.run(r, r.opts.InFlight, &acks[e.node]) })
	}
	return editors, nil
}

// pace has the editors edit in turn, rate times a second together. Ops that fall due
// while this was not running are made up for, so that a stall shows as lateness.
func pace(ctx context.Context, editors []*editor, rate int) {
	tick := time.NewTicker(max(time.Second/time.Duration(rate), time.Millisecond))
	defer tick.Stop()
	began, done := time.Now(), 0
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for due := int(time.Since(began).Seconds() * float64(rate)); done < due; done++ {
			e := editors[done%len(editors)]
			if !e.queueOp() || e.flush() != nil {
				return
			}
		}
	}
}

// tally is what has been counted so far.
type tally struct {
	at                               time.Time
	acked, entries, ranges, versions uint64
	acks, late                       Counts
	nodes                            []nodeTally
}

func (r *run) tally(ctx context.Context, editors []*editor, readers []*reader, acks []Histogram, late *Histogram) (tally, error) {
	t := tally{at: time.Now(), late: late.Counts(), nodes: make([]nodeTally, len(r.nodes))}
	for i := range acks {
		t.nodes[i].acks = acks[i].Counts()
		t.acks = t.acks.Plus(t.nodes[i].acks)
	}
	for _, e := range editors {
		t.acked += e.acked.Load()
		t.nodes[e.node].acked += e.acked.Load()
		t.nodes[e.node].refused += e.refused.Load()
	}
	for _, rd := range readers {
		t.entries += rd.entries.Load()
		t.ranges += rd.ranges.Load()
		t.versions += rd.skipped.Load()
	}
	t.versions += t.entries
	if r.opts.Scenario != Shared {
		return t, nil
	}
	return t, r.tallyRaces(ctx, t.nodes)
}

// finish waits until every op has its answer and every reader has heard of it, and
// holds what they heard against what was acknowledged.
func (r *run) finish(ctx context.Context, editors []*editor, readers []*reader) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for _, e := range editors {
		e.stop()
	}
	acked := make([]uint64, r.opts.Dashboards)
	for i, e := range editors {
		select {
		case <-e.idle:
		case <-ctx.Done():
			r.fault("an editor got no answer within %s", settle)
		}
		acked[i%r.opts.Dashboards] += e.acked.Load()
	}
	for i, rd := range readers {
		head := 1 + acked[i%r.opts.Dashboards] // the first version made the dashboard
		for rd.version.Load() < head {
			if wait(ctx, 10*time.Millisecond) != nil {
				r.fault("a reader has not heard of all that was acknowledged within %s", settle)
				return nil
			}
		}
		if v := rd.version.Load(); v > head {
			r.fault("a reader heard of more than was acknowledged")
		}
	}
	return nil
}

// tell reports what happened between two tallies.
func (r *run) tell(from, to tally) {
	seconds := to.at.Sub(from.at).Seconds()
	r.report.Seconds = seconds
	rate := func(name string, a, b uint64) { r.report.add(name, float64(b-a)/seconds, "/s") }
	rate("edits acknowledged", from.acked, to.acked)
	if r.opts.Readers > 0 {
		rate("versions delivered", from.versions, to.versions)
		rate("as single entries", from.entries, to.entries)
		rate("ranges instead", from.ranges, to.ranges)
	}
	r.report.times("answer", to.acks.Since(from.acks))
	if r.opts.Scenario == Paced {
		r.report.times("delivery", to.late.Since(from.late))
	}
	if r.opts.Scenario == Shared {
		for i := range to.nodes {
			r.tellNode(i, seconds, from.nodes[i], to.nodes[i])
		}
	}
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
