package natsjournal

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// watch reads the stream as it grows, for all followers of this node, with one
// consumer. When that ends, it goes on where it was with another.
func (j *Journal) watch(next uint64) {
	const first, longest = 50 * time.Millisecond, 2 * time.Second
	wait := first
	for j.state() == nil {
		before := next
		err := j.watchFrom(&next)
		if j.life.Err() != nil {
			return
		}
		if next > before {
			wait = first
		}
		j.opts.Logger.Debug("following the stream begins again", "stream", j.stream, "next", next, "err", err)
		j.loseSight()
		j.suspect()
		j.pause(j.life, wait)
		wait = min(2*wait, longest)
	}
}

// watchFrom delivers what is stored from *next on, and keeps *next, until the
// consumer fails or the journal is closed.
func (j *Journal) watchFrom(next *uint64) error {
	s, err := j.js.Stream(j.life, j.stream)
	if err != nil {
		return err
	}
	c, err := s.OrderedConsumer(j.life, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{j.subjects.logs + ">"},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy, OptStartSeq: *next,
		InactiveThreshold: 30 * time.Second, MaxResetAttempts: 1,
	})
	if err != nil {
		return err
	}
	// A batch must have room for the largest message.
	list, err := c.Messages(jetstream.PullMaxBytes(2*minPayload),
		jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second))
	if err != nil {
		return err
	}
	defer list.Stop()
	for {
		msg, err := list.Next(jetstream.NextContext(j.life))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		j.stored(msg.Subject(), meta.Sequence.Stream, msg.Data())
		*next = meta.Sequence.Stream + 1
		if err := j.state(); err != nil {
			return err
		}
	}
}

// stored hears of a message of the stream, in order.
func (j *Journal) stored(subject string, seq uint64, data []byte) {
	j.saw(seq)
	id, ok := j.subjects.logID(subject)
	if !ok {
		return
	}
	m, err := decodeMessage(id, data)
	if err != nil {
		// Whoever reads that log is told. Followers are to read it.
		j.opts.Logger.Error("following the stream", "stream", j.stream, "message", seq, "err", err)
		if errors.Is(err, journal.ErrCorrupt) {
			j.tails.forget(id)
		}
		return
	}
	j.tails.advance(id, m, seq)
	j.marks.sees(id, m.first, seq, data)
	j.feed.Publish(journal.Delivery{DashboardID: id, After: m.first - 1, Records: m.records})
	j.watched.Add(1)
}
