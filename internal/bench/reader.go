package bench

import (
	"sync/atomic"
	"time"
)

// reader follows one dashboard and counts what it hears. Its fields but the atomic
// ones belong to the goroutine that reads.
type reader struct {
	*conn
	synced chan struct{} // closed at the first answer
	known  bool
	// version is the last one heard; entries come singly or together, skipped are the
	// versions that ranges stood for.
	version         atomic.Uint64
	entries, ranges atomic.Uint64
	skipped         atomic.Uint64
}

// run reads until the connection ends.
func (rd *reader) run(r *run, late *Histogram) {
	r.lost("a reader", rd.loop(r, late))
}

func (rd *reader) loop(r *run, late *Histogram) error {
	for {
		if err := rd.read(func(m []byte) error { return rd.message(r, m, late) }); err != nil {
			return err
		}
	}
}

func (rd *reader) message(r *run, m []byte, late *Histogram) error {
	switch kindOf(m) {
	case entryKind:
		rd.entry(r, m, late)
	case joinedKind:
		for entry, rest := cutEntry(m); len(entry) > 0; entry, rest = cutEntry(rest) {
			rd.entry(r, entry, late)
		}
	case rangeKind:
		from, ok1 := NumberAfter(m, fromKey)
		v, ok2 := NumberAfter(m, versionKey)
		if !ok1 || !ok2 {
			return nil // the end of a dashboard, or a role
		}
		if last := rd.version.Load(); from != last || v <= from {
			r.fault("a reader at one version heard of a range that does not begin there (R2)")
		}
		rd.version.Store(v)
		rd.ranges.Add(1)
		rd.skipped.Add(v - from)
		addLateness(late, m)
	case syncKind:
		v, _ := NumberAfter(m, versionKey)
		if last := rd.version.Load(); v > last && lastPart(m) {
			if rd.known {
				rd.skipped.Add(v - last)
				rd.ranges.Add(1)
			}
			rd.version.Store(v)
		} else if v < last {
			r.fault("a reader was set back to an earlier version (R1)")
		}
		if !rd.known && lastPart(m) {
			rd.known = true
			close(rd.synced)
		}
	case nackKind:
		r.fault("a reader was refused: %.200s", m)
	}
	return nil
}

// entry takes one entry, as a message or as a part of one.
func (rd *reader) entry(r *run, m []byte, late *Histogram) {
	v, ok := NumberAfter(m, versionKey)
	if last := rd.version.Load(); !ok || v != last+1 {
		r.fault("a reader at one version heard of another than the next (R2)")
	}
	rd.version.Store(v)
	rd.entries.Add(1)
	addLateness(late, m)
}

// addLateness notes how late an edit is heard, if that is asked for.
func addLateness(late *Histogram, m []byte) {
	if late == nil {
		return
	}
	if sent, ok := NumberAfter(m, stampKey); ok {
		late.Add(time.Since(started) - time.Duration(sent))
	}
}

// started is what stamps in edits count from, on the monotonic clock of this process.
var started = time.Now()
