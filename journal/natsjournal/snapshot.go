package natsjournal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// A dashboard's snapshots are listed in one message, its index, which is replaced by
// comparing; the bytes lie beside it in parts. Parts are stored before the index
// names them, and deleted after it does so no longer. All reads go to the leader.

// saved is a snapshot as the index names it.
type saved struct {
	position journal.Position
	token    string // of its parts
	parts    int
	size     int
	crc      uint32
}

// index is the list of a dashboard's snapshots, by position.
type index struct {
	list []saved
	seq  uint64 // where it was read; 0 = there is none
}

// positions of snapshots.
func positions(list []saved) []journal.Position {
	all := make([]journal.Position, len(list))
	for i, s := range list {
		all[i] = s.position
	}
	return all
}

// Snapshots returns the positions of the snapshots of a dashboard that are kept, in order.
func (j *Journal) Snapshots(ctx context.Context, dashboardID string) (all []journal.Position, err error) {
	err = j.patiently(ctx, func() error {
		x, err := j.readIndex(ctx, dashboardID)
		all = positions(x.list)
		return err
	})
	return all, failed(ctx, "snapshots of", dashboardID, err)
}

// Snapshot implements journal.Journal. One that is damaged or gone is passed over
// for the one before it.
func (j *Journal) Snapshot(ctx context.Context, dashboardID string, atMost journal.Position) (journal.Snapshot, error) {
	var found journal.Snapshot
	err := ctx.Err()
	if err == nil {
		err = j.patiently(ctx, func() (err error) {
			found, err = j.newest(ctx, dashboardID, atMost)
			return err
		})
	}
	return found, failed(ctx, "snapshot of", dashboardID, err)
}

func (j *Journal) newest(ctx context.Context, id string, atMost journal.Position) (journal.Snapshot, error) {
	x, err := j.readIndex(ctx, id)
	if err != nil {
		return journal.Snapshot{}, err
	}
	for _, s := range slices.Backward(x.list) {
		if s.position > atMost {
			continue
		}
		data, err := j.parts(ctx, id, s)
		switch {
		case err == nil:
			return journal.Snapshot{Position: s.position, Data: data}, j.reached(ctx, id, s.position)
		case !errors.Is(err, errAbsent) && !errors.Is(err, journal.ErrCorrupt):
			return journal.Snapshot{}, err
		}
		if again, e := j.readIndex(ctx, id); e == nil && again.seq != x.seq {
			return journal.Snapshot{}, errBehind // replaced meanwhile: begin again
		}
		j.opts.Logger.Error("a snapshot cannot be read; an older one is used", "dashboard", id, "position", s.position, "err", err)
	}
	return journal.Snapshot{}, nil
}

// reached makes sure that a log has got as far as its snapshot. Snapshots are made of
// what is stored: a log that proves to end before has lost something.
func (j *Journal) reached(ctx context.Context, id string, p journal.Position) error {
	if t, ok := j.tails.get(id); ok && t.head >= p {
		return nil
	}
	for _, confirmed := range []bool{false, true} {
		e, err := j.lookup(ctx, id, confirmed)
		if err != nil {
			return err
		}
		if e.head >= p {
			return nil
		}
		if confirmed {
			j.lose(fmt.Errorf("%w: dashboard %s has a snapshot of position %d, and its log ends at %d", ErrRolledBack, id, p, e.head))
		}
	}
	return j.state()
}

// parts reads the bytes of a snapshot.
func (j *Journal) parts(ctx context.Context, id string, s saved) ([]byte, error) {
	data := make([]byte, 0, s.size)
	for n := range s.parts {
		m, err := j.leaderLast(ctx, j.chunkSubject(id, s.token, n))
		if err != nil {
			return nil, err
		}
		data = append(data, m.Data...)
	}
	if got := crc32.Checksum(data, castagnoli); len(data) != s.size || got != s.crc {
		return nil, fmt.Errorf("%w: the snapshot of %s at %d has %d bytes with checksum %08x, should have %d with %08x",
			journal.ErrCorrupt, id, s.position, len(data), got, s.size, s.crc)
	}
	return data, nil
}

// SaveSnapshot implements journal.Journal.
func (j *Journal) SaveSnapshot(ctx context.Context, dashboardID string, s journal.Snapshot) error {
	err := ctx.Err()
	if err == nil {
		err = j.saveSnapshot(ctx, dashboardID, s)
	}
	return failed(ctx, "save snapshot of", dashboardID, err)
}

func (j *Journal) saveSnapshot(ctx context.Context, id string, s journal.Snapshot) error {
	if t, ok := j.tails.get(id); !ok || t.head < s.Position {
		e, err := j.lookup(ctx, id, true)
		if err != nil {
			return err
		}
		if e.head < s.Position {
			return fmt.Errorf("%w: position %d is after the head, %d", journal.ErrInvalid, s.Position, e.head)
		}
	}
	data := bytes.Clone(s.Data)
	err := j.patiently(ctx, func() error { return j.saveOnce(ctx, id, s.Position, data) })
	if err != nil || j.opts.KeepEntries == 0 && j.opts.KeepAge == 0 {
		return err
	}
	if err := j.trim(ctx, id); err != nil && ctx.Err() == nil && j.state() == nil {
		j.opts.Logger.Warn("old records could not be trimmed; it is tried again with the next snapshot", "dashboard", id, "err", err)
	}
	return nil
}

func (j *Journal) saveOnce(ctx context.Context, id string, p journal.Position, data []byte) error {
	x, err := j.readIndex(ctx, id)
	if err != nil {
		return err
	}
	now := saved{position: p, token: rand.Text(), size: len(data), crc: crc32.Checksum(data, castagnoli)}
	for rest := data; len(rest) > 0; now.parts++ {
		part := rest[:min(len(rest), j.opts.tune.chunk)]
		if _, err := j.publish(ctx, j.snapshots, j.chunkSubject(id, now.token, now.parts), part, anySeq, false); err != nil {
			return err
		}
		rest = rest[len(part):]
	}
	list := slices.DeleteFunc(slices.Clone(x.list), func(old saved) bool { return old.position == p })
	list = append(list, now)
	slices.SortFunc(list, func(a, b saved) int { return int(int64(a.position) - int64(b.position)) })
	spare := journal.SpareSnapshots(positions(list))
	list = slices.DeleteFunc(list, func(s saved) bool { return slices.Contains(spare, s.position) })
	return j.replaceIndex(ctx, id, x, list)
}

// replaceIndex stores another list in place of x, and deletes the parts that it does
// not name.
func (j *Journal) replaceIndex(ctx context.Context, id string, x index, list []saved) error {
	_, err := j.publish(ctx, j.snapshots, j.subjects.indexes+token(id), appendIndex(nil, id, list), x.seq, false)
	if errors.Is(err, errConflict) {
		return fmt.Errorf("%w: %v", errRace, err) // the parts just stored go with the next save
	}
	if err != nil {
		return err
	}
	return j.sweep(ctx, id, list, x.seq)
}

// sweep deletes parts that the index does not name, which were stored before the
// one that it replaced: whoever stored them has lost the comparison, or will.
func (j *Journal) sweep(ctx context.Context, id string, list []saved, before uint64) error {
	if before == 0 {
		return nil
	}
	prefix := j.subjects.chunks + token(id) + "."
	info, err := j.snaps.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return err
	}
	named := make(map[string]bool, len(list))
	for _, s := range list {
		for n := range s.parts {
			named[j.chunkSubject(id, s.token, n)] = true
		}
	}
	for subject := range info.State.Subjects {
		if named[subject] {
			continue
		}
		if err := j.snaps.Purge(ctx, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(before)); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) chunkSubject(id, tokenOf string, n int) string {
	return j.subjects.chunks + token(id) + "." + tokenOf + "." + strconv.Itoa(n)
}

func (j *Journal) readIndex(ctx context.Context, id string) (index, error) {
	m, err := j.leaderLast(ctx, j.subjects.indexes+token(id))
	if errors.Is(err, errAbsent) {
		return index{}, nil
	}
	if err != nil {
		return index{}, err
	}
	list, err := decodeIndex(id, m.Data)
	if err != nil {
		j.opts.Logger.Error("the list of snapshots cannot be read; they are made anew", "dashboard", id, "err", err)
	}
	return index{list, m.Sequence}, nil
}

// leaderLast asks the leader of the stream of snapshots for the last message of a
// subject.
func (j *Journal) leaderLast(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, j.opts.tune.answer)
	defer cancel()
	m, err := j.snaps.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, errAbsent
	}
	return m, err
}

func appendIndex(dst []byte, id string, list []saved) []byte {
	start := len(dst)
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = binary.AppendUvarint(dst, uint64(s.position))
		dst = appendText(dst, s.token)
		dst = binary.AppendUvarint(dst, uint64(s.parts))
		dst = binary.AppendUvarint(dst, uint64(s.size))
		dst = binary.AppendUvarint(dst, uint64(s.crc))
	}
	return binary.BigEndian.AppendUint32(dst, checksum(id, dst[start:]))
}

func decodeIndex(id string, data []byte) ([]saved, error) {
	const most = 1 << 30 // bytes of one snapshot
	what := "the list of snapshots of " + id
	r, err := readFields(what, id, data)
	if err != nil {
		return nil, err
	}
	list := make([]saved, r.count(5))
	for i := range list {
		s := saved{position: journal.Position(r.uvarint()), token: string(r.bytes())}
		parts, size, crc := r.uvarint(), r.uvarint(), r.uvarint()
		if parts > size || size > most || crc > 1<<32-1 {
			r.err = errFields
			break
		}
		s.parts, s.size, s.crc = int(parts), int(size), uint32(crc)
		list[i] = s
	}
	if err := r.close(what); err != nil {
		return nil, err
	}
	return list, nil
}
