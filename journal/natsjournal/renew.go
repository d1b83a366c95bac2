package natsjournal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// metaLineage names, in the stream's metadata, the last time that it was put back
// from a backup; there is none before the first.
const metaLineage = "dashwire-lineage"

// AfterRestore makes a stream fit for use that was put back to an earlier state:
// snapshots of what is gone are dropped, renew is called for each dashboard, one after
// another, to begin a new epoch, and at the end nodes that have seen more than the
// stream holds may open it again. No node may use the stream meanwhile. Stopped
// half-way, it is to be run again.
//
// An error of renew for one dashboard is handed back at the end, with those of the
// others; an error that wraps journal.ErrUnavailable ends it at once.
func (j *Journal) AfterRestore(ctx context.Context, renew func(ctx context.Context, info journal.Info) error) error {
	fail := func(err error) error { return fmt.Errorf("begin new epochs in %s: %w", j.stream, err) }
	var damaged []error
	here := make(map[string]bool)
	for info, err := range journal.All(ctx, j) {
		if err != nil {
			return fail(err)
		}
		here[info.DashboardID] = true
		err = j.dropSnapshots(ctx, info.DashboardID)
		if err == nil {
			err = renew(ctx, info)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, journal.ErrUnavailable):
			return fail(err)
		default:
			damaged = append(damaged, fmt.Errorf("%s: %w", info.DashboardID, err))
		}
	}
	if err := j.dropStraySnapshots(ctx, here); err != nil {
		return fail(err)
	}
	s, err := j.untilAnswered(ctx, func(ctx context.Context) (jetstream.Stream, error) { return j.js.Stream(ctx, j.stream) })
	if err != nil {
		return fail(err)
	}
	cfg, lineage := s.CachedInfo().Config, rand.Text()[:16]
	cfg.Metadata = maps.Clone(cfg.Metadata)
	cfg.Metadata[metaLineage] = lineage
	j.lineage.Store(&lineage) // guard is to expect it
	if _, err = j.untilAnswered(ctx, func(ctx context.Context) (jetstream.Stream, error) { return j.js.UpdateStream(ctx, cfg) }); err != nil {
		return fail(err)
	}
	return errors.Join(damaged...)
}

// lineageNow is the one of the stream that this journal works on.
func (j *Journal) lineageNow() string { return *j.lineage.Load() }

// dropSnapshots keeps but those that the log cannot be read without.
func (j *Journal) dropSnapshots(ctx context.Context, id string) error {
	oldest, err := j.Oldest(ctx, id)
	if err != nil {
		return err
	}
	return failed(ctx, "drop snapshots of", id, j.patiently(ctx, func() error {
		x, err := j.readIndex(ctx, id)
		if err != nil || len(x.list) == 0 {
			return err
		}
		var kept []saved
		for _, s := range x.list {
			if s.position <= oldest {
				kept = append(kept, s)
			}
		}
		if len(kept) == len(x.list) {
			return nil
		}
		return j.replaceIndex(ctx, id, x, kept)
	}))
}

// dropStraySnapshots deletes those of dashboards that are not there any more.
func (j *Journal) dropStraySnapshots(ctx context.Context, here map[string]bool) error {
	info, err := j.snaps.Info(ctx, jetstream.WithSubjectFilter(j.subjects.indexes+">"))
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		id := idOf(strings.TrimPrefix(subject, j.subjects.indexes))
		if here[id] {
			continue
		}
		for _, s := range []string{subject, j.subjects.chunks + token(id) + ".>"} {
			if err := j.snaps.Purge(ctx, jetstream.WithPurgeSubject(s)); err != nil {
				return err
			}
		}
	}
	return nil
}
