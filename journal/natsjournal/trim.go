package natsjournal

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// trimLoop lets go of old records of logs that nobody writes any more. Those in use
// are trimmed when a snapshot is saved. Every node does it, at its own time; doing it
// twice changes nothing.
func (j *Journal) trimLoop() {
	for j.pause(j.life, j.opts.tune.trimInterval/2+rand.N(j.opts.tune.trimInterval)) {
		if err := j.trimAll(j.life); err != nil && j.life.Err() == nil {
			j.opts.Logger.Warn("old records could not be trimmed; it is tried again later", "stream", j.stream, "err", err)
		}
	}
}

func (j *Journal) trimAll(ctx context.Context) error {
	for info, err := range journal.All(ctx, j) {
		if err != nil {
			return err
		}
		if info.Head <= journal.Position(j.opts.tune.keepAlways) {
			continue
		}
		if err := j.trim(ctx, info.DashboardID); err != nil && !errors.Is(err, journal.ErrCorrupt) {
			return err
		}
	}
	return nil
}

// trim deletes the messages of one log that Options let go, up to a snapshot that
// stays. The log's last message always stays, so that positions never reset.
func (j *Journal) trim(ctx context.Context, id string) error {
	e, err := j.lookup(ctx, id, false)
	if err != nil {
		return err
	}
	always := journal.Position(j.opts.tune.keepAlways)
	if e.head <= always {
		return nil
	}
	bound := journal.Position(0)
	if keep := max(journal.Position(j.opts.KeepEntries), always); j.opts.KeepEntries > 0 && e.head > keep {
		bound = e.head - keep
	}
	if j.opts.KeepAge > 0 {
		old, err := j.olderThan(ctx, id, time.Now().Add(-j.opts.KeepAge), e.head)
		if err != nil {
			return err
		}
		bound = max(bound, old)
	}
	bound = min(bound, e.head-always)
	x, err := j.readIndex(ctx, id)
	if err != nil {
		return err
	}
	i := len(x.list) - 1
	for i >= 0 && x.list[i].position > bound {
		i--
	}
	if i < 0 {
		return nil
	}
	if _, err := j.parts(ctx, id, x.list[i]); err != nil {
		return err // never lean on a snapshot that cannot be read
	}
	seq, err := j.holder(ctx, id, x.list[i].position+1, e.last, e.seq)
	if errors.Is(err, journal.ErrTrimmed) {
		return nil // another node was faster
	}
	if err != nil {
		return err
	}
	if err := j.logs.Purge(ctx, jetstream.WithPurgeSubject(j.subjects.log(id)), jetstream.WithPurgeSequence(seq)); err != nil {
		return err
	}
	if i == 0 {
		return nil
	}
	return j.replaceIndex(ctx, id, x, slices.Clone(x.list[i:]))
}

// olderThan is the position of the last record that the servers have had since
// before a time, by their clocks.
func (j *Journal) olderThan(ctx context.Context, id string, at time.Time, head journal.Position) (journal.Position, error) {
	list, err := j.get(ctx, j.stream, getRequest{NextBy: j.subjects.log(id), StartTime: &at})
	if errors.Is(err, errAbsent) {
		return head, nil
	}
	if err != nil {
		return 0, err
	}
	m, err := decodeMessage(id, list[0].data)
	if err != nil {
		return 0, err
	}
	return m.first - 1, nil
}
