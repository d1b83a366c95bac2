package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// The buckets of a Histogram: subBuckets for each power of two, so that a bucket is
// at most 1/64 wide of what it holds; up to 2^maxBits ns, which is 73 minutes.
const (
	subBits    = 6
	subBuckets = 1 << subBits
	maxBits    = 42
	buckets    = (maxBits-subBits)*subBuckets + subBuckets
)

// Histogram counts times with an error of at most 1.6 %. The zero value is ready;
// any number of goroutines may add at once.
type Histogram struct {
	counts [buckets]atomic.Uint64
}

// Add counts one time.
func (h *Histogram) Add(d time.Duration) { h.counts[bucketOf(d)].Add(1) }

// Counts returns what was counted so far.
func (h *Histogram) Counts() Counts {
	c := make(Counts, buckets)
	for i := range h.counts {
		c[i] = h.counts[i].Load()
	}
	return c
}

// Counts are the counts of a Histogram at one moment; nil is none.
type Counts []uint64

// Since returns what was counted after an earlier moment.
func (c Counts) Since(earlier Counts) Counts {
	if earlier == nil {
		return c
	}
	d := make(Counts, len(c))
	for i := range c {
		d[i] = c[i] - earlier[i]
	}
	return d
}

// Plus returns both together.
func (c Counts) Plus(other Counts) Counts {
	if c == nil {
		return other
	}
	d := make(Counts, len(c))
	for i := range c {
		d[i] = c[i] + other[i]
	}
	return d
}

// Total is the number of times counted.
func (c Counts) Total() uint64 {
	var n uint64
	for _, k := range c {
		n += k
	}
	return n
}

// Quantile is the time that a share q of all counted did not exceed, 0 of none.
func (c Counts) Quantile(q float64) time.Duration {
	total := c.Total()
	if total == 0 {
		return 0
	}
	rank := uint64(q * float64(total))
	if float64(rank) < q*float64(total) || rank == 0 {
		rank++
	}
	var seen uint64
	for i, k := range c {
		if seen += k; seen >= rank {
			return upperOf(i)
		}
	}
	return upperOf(buckets - 1)
}

// bucketOf is the bucket of a time; times beyond the last go into it.
func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return min((shift+1)*subBuckets+int(v>>shift)-subBuckets, buckets-1)
}

// upperOf is the longest time in a bucket.
func upperOf(i int) time.Duration {
	if i < subBuckets {
		return time.Duration(i)
	}
	shift := i/subBuckets - 1
	lower := uint64(i%subBuckets+subBuckets) << shift
	return time.Duration(lower + 1<<shift - 1)
}
