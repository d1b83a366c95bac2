package natsjournal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What the streams' metadata says.
const (
	metaGeneration = "dashwire-generation" // in the subjects too
	metaFormat     = "dashwire-format"
)

// streamFormat is the layout of subjects and messages. A build refuses a higher one.
const streamFormat = 1

// logConfig is the stream of the logs as it has to be.
func (j *Journal) logConfig(generation string) jetstream.StreamConfig {
	s := subjectsOf(j.stream, generation)
	return jetstream.StreamConfig{
		Name:        j.stream,
		Description: "Dashwire: dashboard logs. Deleting messages loses dashboards.",
		Subjects:    []string{s.all},
		Storage:     jetstream.FileStorage,
		Replicas:    j.opts.Replicas,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew, // a full stream refuses; it never drops what it has
		MaxMsgs:     -1, MaxBytes: -1, MaxMsgSize: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1,
		AllowDirect: true,
		AllowRollup: true, // barriers and pages of the directory replace the ones before
		DenyDelete:  true,
		Duplicates:  minDuplicates,
		Metadata:    map[string]string{metaGeneration: generation, metaFormat: strconv.Itoa(streamFormat)},
	}
}

// minDuplicates is the window of message ids; none are used.
const minDuplicates = 100 * time.Millisecond

// snapshotConfig is the stream of the snapshots. Losing it costs time only.
func (j *Journal) snapshotConfig(generation string) jetstream.StreamConfig {
	cfg := j.logConfig(generation)
	s := subjectsOf(j.stream, generation)
	cfg.Name = j.snapshots
	cfg.Description = "Dashwire: snapshots, made from the logs"
	cfg.Subjects = []string{s.snapshots}
	cfg.MaxMsgsPerSubject = 1
	cfg.Discard = jetstream.DiscardOld
	cfg.AllowRollup, cfg.AllowDirect = false, false // read from the leader
	return cfg
}

// ensure makes a stream if there is none, else checks the one that is there and
// mends what can be mended without risk. A cache may be left from another generation
// and then goes over to this one.
func (j *Journal) ensure(ctx context.Context, want jetstream.StreamConfig, cache bool) (s jetstream.Stream, created bool, err error) {
	read := func(ctx context.Context) (jetstream.Stream, error) { return j.js.Stream(ctx, want.Name) }
	s, err = j.untilAnswered(ctx, read)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = j.untilAnswered(ctx, func(ctx context.Context) (jetstream.Stream, error) { return j.js.CreateStream(ctx, want) })
		created = err == nil
		if err == nil || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // by another node, at the same moment
			s, err = j.untilAnswered(ctx, read) // read back
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("stream %s: %w", want.Name, err)
	}
	got := s.CachedInfo().Config
	if err := foreign(got); err != nil {
		return nil, false, fmt.Errorf("stream %s: %w", want.Name, err)
	}
	mended := got
	mended.Description, mended.Discard, mended.NoAck = want.Description, want.Discard, false
	mended.MaxMsgs, mended.MaxMsgSize, mended.MaxAge = want.MaxMsgs, want.MaxMsgSize, 0
	mended.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	mended.AllowDirect, mended.AllowRollup = want.AllowDirect, want.AllowRollup
	if cache {
		mended.Subjects = want.Subjects
		mended.Metadata = want.Metadata
	}
	if same(got, mended) {
		return s, created, nil
	}
	j.opts.Logger.Warn("the stream has other settings than it must have; they are set", "stream", want.Name)
	if s, err = j.untilAnswered(ctx, func(ctx context.Context) (jetstream.Stream, error) { return j.js.UpdateStream(ctx, mended) }); err != nil {
		return nil, false, fmt.Errorf("stream %s: set what it must have: %w", want.Name, err)
	}
	return s, created, nil
}

// untilAnswered asks about a stream until there is an answer: servers that have no
// leader yet let some requests drop.
func (j *Journal) untilAnswered(ctx context.Context, ask func(context.Context) (jetstream.Stream, error)) (jetstream.Stream, error) {
	const apart = 100 * time.Millisecond
	for {
		once, cancel := context.WithTimeout(ctx, j.opts.tune.answer)
		s, err := ask(once)
		cancel()
		var refused *jetstream.APIError
		again := errors.Is(err, context.DeadlineExceeded) ||
			errors.As(err, &refused) && (refused.Code == unavailableStatus || refused.ErrorCode == codeNoPeers) &&
				!errors.Is(err, jetstream.ErrJetStreamNotEnabled)
		if !again || !j.pause(ctx, apart) {
			if again {
				err = fmt.Errorf("do enough NATS servers run, and reach each other? %w", err)
			}
			return s, err
		}
	}
}

// What the stream API answers while servers may still come up.
const (
	unavailableStatus = 503
	codeNoPeers       = 10005
)

// same compares the settings that ensure mends.
func same(a, b jetstream.StreamConfig) bool {
	return a.Metadata[metaGeneration] == b.Metadata[metaGeneration] && a.Description == b.Description && a.Discard == b.Discard &&
		a.MaxMsgs == b.MaxMsgs && a.MaxMsgSize == b.MaxMsgSize && a.MaxMsgsPerSubject == b.MaxMsgsPerSubject &&
		a.MaxAge == b.MaxAge && a.AllowDirect == b.AllowDirect && a.AllowRollup == b.AllowRollup && a.NoAck == b.NoAck
}

// foreign refuses a stream that is not one of ours, or cannot be used as one.
func foreign(got jetstream.StreamConfig) error {
	bad := fmt.Errorf
	generation := got.Metadata[metaGeneration]
	if generation == "" {
		return bad("it was not made by Dashwire; choose another name")
	}
	if f, err := strconv.Atoi(got.Metadata[metaFormat]); err != nil || f < 1 {
		return bad("its metadata says no format that can be read: %q", got.Metadata[metaFormat])
	} else if f > streamFormat {
		return bad("it was written by a newer Dashwire (format %d, this one knows %d)", f, streamFormat)
	}
	if !slices.Equal(got.Subjects, []string{got.Name + "." + generation + ".>"}) {
		return bad("it takes the subjects %v, and was made with others", got.Subjects)
	}
	switch {
	case got.Sealed:
		return bad("it is sealed: nothing can be stored")
	case got.Mirror != nil || len(got.Sources) > 0:
		return bad("it is a copy of another stream: open that one")
	case got.Retention != jetstream.LimitsPolicy:
		return bad("its retention is %s, which deletes messages that were read", got.Retention)
	case got.DenyPurge:
		return bad("it was set to deny purging, which cannot be undone")
	case got.SubjectTransform != nil:
		return bad("it changes subjects")
	}
	return nil
}

// newGeneration makes the mark of a stream.
func newGeneration() string { return rand.Text()[:16] }
