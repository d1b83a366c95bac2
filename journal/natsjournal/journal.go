package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// Journal is a journal.Journal in a JetStream cluster.
type Journal struct {
	opts       Options
	conn       *nats.Conn
	js         jetstream.JetStream
	logs       jetstream.Stream
	snaps      jetstream.Stream
	requests   *requests
	stream     string
	snapshots  string // the other stream
	subjects   subjects
	generation string
	lineage    atomic.Pointer[string]
	replicas   int
	durability journal.Durability
	found      Report

	barrier   barrier
	pulse     pulse
	tails     tails
	marks     marks
	directory directory
	feed      journal.Feed
	// watched counts the appends heard of by following.
	watched atomic.Uint64
	// highest is the highest sequence number of the stream seen so far.
	highest atomic.Uint64

	// life ends when Close begins.
	life context.Context
	end  context.CancelFunc
	// lost is why the journal must not be used any more; set once.
	lost   atomic.Pointer[error]
	losing sync.Once
	// whole ends when lost is set.
	whole context.Context
	spoil context.CancelFunc

	suspicion chan struct{} // one slot: have a look at the stream
	tasks     tasks
	closing   sync.Once
}

var _ journal.Journal = (*Journal)(nil)

// Close stops everything and closes the connection. Whatever runs at the same time
// gets ErrUnavailable or ErrUnknown.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		j.end()
		defer j.spoil()
		j.tasks.wait()
		j.keepMark()
		j.conn.Close()
		if j.requests != nil {
			j.requests.disconnected()
		}
	})
	return nil
}

// Follow implements journal.Journal. It hears of the appends of all nodes, and ends
// with ErrUnavailable when the journal does not work any more.
func (j *Journal) Follow(ctx context.Context, deliver func(journal.Delivery)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	because := func(err error) { cancel(fmt.Errorf("%w: %w", journal.ErrUnavailable, err)) }
	defer context.AfterFunc(j.life, func() { because(errClosed) })()
	defer context.AfterFunc(j.whole, func() { because(j.state()) })()
	err := j.feed.Follow(ctx, deliver)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// Stats is how a journal stands.
type Stats struct {
	// Connected tells whether a NATS server is connected at the moment, Reconnects how
	// often the connection came back.
	Connected  bool
	Reconnects uint64
	// Followed counts the appends of all nodes that this one has heard of.
	Followed uint64
	// Remembered is how many logs are in use.
	Remembered int
}

// Stats returns the numbers as they are now.
func (j *Journal) Stats() Stats {
	return Stats{
		Connected: j.conn.IsConnected(), Reconnects: j.conn.Stats().Reconnects,
		Followed: j.watched.Load(), Remembered: j.tails.len(),
	}
}

// Generation names the stream that was opened: another one for every stream made.
func (j *Journal) Generation() string { return j.generation }

// sawNew notes the sequence number of a message that was stored after before was
// the highest, and notices a stream that goes back in time.
func (j *Journal) sawNew(before, seq uint64) error {
	if seq <= before {
		m, _ := j.toCompare()
		j.keepEvidence(m)
		j.lose(fmt.Errorf("%w: message %d was stored after message %d", ErrRolledBack, seq, before))
		return j.state()
	}
	j.saw(seq)
	return nil
}

func (j *Journal) saw(seq uint64) {
	for {
		h := j.highest.Load()
		if h >= seq || j.highest.CompareAndSwap(h, seq) {
			return
		}
	}
}

// lose makes the journal refuse everything from now on.
func (j *Journal) lose(err error) {
	j.losing.Do(func() {
		j.lost.Store(&err)
		j.spoil()
		j.opts.Logger.Error("nothing is served from the journal any more: "+whyLost(err), "stream", j.stream, "err", err)
	})
}

// suspect has the stream looked at soon.
func (j *Journal) suspect() {
	select {
	case j.suspicion <- struct{}{}:
	default:
	}
}

// guard looks at the stream now and then, after each reconnection, and when
// something is odd: it must be the one that was opened.
func (j *Journal) guard() {
	look := time.NewTicker(j.opts.tune.look)
	defer look.Stop()
	age := time.NewTicker(j.opts.tune.idle)
	defer age.Stop()
	keep := time.NewTicker(j.opts.tune.keepMark)
	defer keep.Stop()
	for {
		select {
		case <-j.life.Done():
			return
		case <-age.C:
			j.tails.age()
			continue
		case <-keep.C:
			j.keepMark()
			continue
		case <-look.C:
		case <-j.suspicion:
		}
		ctx, cancel := context.WithTimeout(j.life, j.opts.tune.answer)
		s, err := j.js.Stream(ctx, j.stream)
		cancel()
		if err != nil {
			// It may only be away: just another stream in its place is proof.
			if !errors.Is(err, context.Canceled) {
				j.opts.Logger.Debug("look at the stream", "stream", j.stream, "err", err)
			}
			j.pause(j.life, 100*time.Millisecond)
			continue
		}
		meta := s.CachedInfo().Config.Metadata
		if g := meta[metaGeneration]; g != j.generation {
			j.lose(fmt.Errorf("%w: its generation is %q and was %q; somebody has deleted and made it again", ErrRecreated, g, j.generation))
			return
		}
		if meta[metaLineage] != j.lineageNow() {
			j.lose(fmt.Errorf("%w: new epochs were begun in it", ErrRecreated))
			return
		}
		if err := j.compareMark(j.life); err != nil && j.state() == nil {
			j.opts.Logger.Debug("compare the stream with what was seen of it", "stream", j.stream, "err", err)
			if j.pause(j.life, time.Second) {
				j.suspect()
			}
		}
		if j.lost.Load() != nil {
			return
		}
	}
}

// tasks are goroutines that Close waits for.
type tasks struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// Go starts f unless Close has begun.
func (t *tasks) Go(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

func (t *tasks) wait() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.wg.Wait()
}
