package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogram_BucketsHoldWhatTheySay(t *testing.T) {
	last := -1
	for v := uint64(0); v < 1<<maxBits; v += 1 + v/200 {
		d := time.Duration(v)
		i := bucketOf(d)
		if i < last {
			t.Fatalf("%d ns falls into bucket %d, before that of a shorter time", v, i)
		}
		last = i
		up := upperOf(i)
		if up < d || float64(up-d) > 1+float64(d)/subBuckets {
			t.Fatalf("%d ns is told as %d ns", v, up)
		}
		if bucketOf(up) != i || (i < buckets-1 && bucketOf(up+1) != i+1) {
			t.Fatalf("bucket %d does not end at %d ns", i, up)
		}
	}
}

func TestHistogram_Ends(t *testing.T) {
	var h Histogram
	if got := h.Counts().Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
	h.Add(-time.Second)
	if got := h.Counts().Quantile(1); got != 0 {
		t.Errorf("a negative time: %s", got)
	}
	h.Add(100 * time.Hour)
	if got := h.Counts().Quantile(1); got < time.Hour {
		t.Errorf("beyond the last bucket: %s", got)
	}
}

func TestHistogram_Quantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	all := make([]time.Duration, 20_000)
	for i := range all {
		all[i] = time.Duration(rng.ExpFloat64() * float64(time.Millisecond))
		h.Add(all[i])
	}
	slices.Sort(all)
	c := h.Counts()
	if c.Total() != uint64(len(all)) {
		t.Fatalf("counted %d of %d", c.Total(), len(all))
	}
	for _, q := range []float64{0.5, 0.99, 0.999, 1} {
		exact := all[max(int(q*float64(len(all)))-1, 0)]
		got := c.Quantile(q)
		if got < exact || float64(got) > 1.02*float64(exact) {
			t.Errorf("q%v is %s, exactly %s", q, got, exact)
		}
	}
}

func TestHistogram_Since(t *testing.T) {
	var h Histogram
	h.Add(time.Second)
	before := h.Counts()
	h.Add(time.Millisecond)
	d := h.Counts().Since(before)
	if d.Total() != 1 || d.Quantile(1) > 2*time.Millisecond {
		t.Errorf("%d times up to %s", d.Total(), d.Quantile(1))
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	for b.Loop() {
		h.Add(137 * time.Microsecond)
	}
}
