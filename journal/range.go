package journal

import (
	"context"
	"iter"
)

// RangeReader is a Journal that reads up to a position which is known to be stored at less
// cost than Read, which has to find out what is newest. A journal need not be one.
type RangeReader interface {
	// ReadRange yields the records after a position up to and including another, at which or
	// after which the caller has seen the log to be. A yielded error ends it.
	ReadRange(ctx context.Context, dashboardID string, after, upTo Position) iter.Seq2[Record, error]
}

// ReadRange yields the records after a position up to and including another, at which or
// after which the caller has seen the log to be. A yielded error ends it.
func ReadRange(ctx context.Context, j Journal, dashboardID string, after, upTo Position) iter.Seq2[Record, error] {
	if r, ok := j.(RangeReader); ok {
		return r.ReadRange(ctx, dashboardID, after, upTo)
	}
	return func(yield func(Record, error) bool) {
		if after >= upTo {
			return
		}
		for r, err := range j.Read(ctx, dashboardID, after) {
			if !yield(r, err) || err != nil || r.Position >= upTo {
				return
			}
		}
	}
}
