package room

import (
	"context"
	"time"

	"github.com/dashwire/dashwire/board"
)

// recall returns the entries after a version up to a state's, or false if they are no
// delta: longer than most bytes, or not all kept. What the tail does not reach back to it
// reads, and puts it there: when a server ends, its sessions come to rooms that have only
// just been opened here, and what they missed is read once for all of them.
func (r *Room) recall(ctx context.Context, state *board.State, after uint64, most int, host Host) ([]logged, bool) {
	epoch, version := state.Head()
	if !r.tail.lacks(epoch, after) {
		list, size := r.collect(ctx, state, after, most)
		return list, size < most
	}
	defer r.hub.Pause(host)()
	r.recalling.Lock()
	defer r.recalling.Unlock()
	if long := &r.tooLong; long.epoch == epoch && long.to == version && after <= long.from {
		return nil, false
	}
	list, size := r.collect(ctx, state, after, most)
	if size >= most {
		r.tooLong = reached{epoch: epoch, from: after, to: version}
		return nil, false
	}
	r.tail.precede(epoch, list, r.hub.cfg.Clock.Now())
	return list, true
}

// reached are the entries of an epoch after one version up to another.
type reached struct {
	epoch    string
	from, to uint64
}

// collect returns the entries after a version up to a state's, or those before what cannot
// be read; and their length, with which it ends once that is most bytes.
func (r *Room) collect(ctx context.Context, state *board.State, after uint64, most int) (list []logged, size int) {
	_, version := state.Head()
	for rec, err := range r.hub.entriesAfter(ctx, r, state, after) {
		if err != nil || rec.deletes || rec.version > version {
			break
		}
		if size += len(rec.envelope); size >= most {
			break
		}
		list = append(list, rec)
	}
	return list, size
}

// lacks reports whether entries after a version could be put before those that are kept.
func (t *tail) lacks(epoch string, after uint64) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.precedesLocked(epoch, after)
}

func (t *tail) precedesLocked(epoch string, after uint64) bool {
	return t.epoch == epoch && after+1 < t.first && t.lastLocked()-after <= uint64(t.maxEntries)
}

// precede puts entries that follow on one another before those that are kept, if they
// reach up to these and fit. They go out one by one and not together with others (R10), and count
// as just made: who has asked for them is not the only one.
func (t *tail) precede(epoch string, list []logged, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(list) > 0 && list[len(list)-1].version >= t.first {
		list = list[:len(list)-1]
	}
	if len(list) == 0 || list[len(list)-1].version+1 != t.first || !t.precedesLocked(epoch, list[0].version-1) {
		return
	}
	all := make([]kept, 0, len(list)+len(t.kept()))
	bytes := t.bytes
	var frames, heads slabs
	for _, rec := range list {
		k := keep(&frames, &heads, rec.head, rec.envelope)
		if bytes += k.size(); bytes > t.maxBytes {
			return
		}
		k.at = momentOf(now)
		all = append(all, k)
	}
	frameShift, headShift := t.frames.precede(frames), t.heads.precede(heads)
	for i := range all {
		all[i].frame.slab += frameShift
		all[i].head.slab += headShift
	}
	t.all, t.dropped = append(all, t.kept()...), 0
	t.first, t.bytes = list[0].version, bytes
}
