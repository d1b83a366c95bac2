package natsjournal

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/journal"
)

// BenchmarkAppend appends 300-byte records to some dashboards at once, each waiting
// for its answer before the next, as rooms do. The servers run in this process and
// sync each write, on the same disk.
func BenchmarkAppend(b *testing.B) {
	record := append(bytes.Repeat([]byte("x"), 298), `"}`...)
	for _, replicas := range []int{1, 3} {
		for _, dashboards := range []int{1, 100} {
			b.Run(fmt.Sprintf("replicas=%d/dashboards=%d", replicas, dashboards), func(b *testing.B) {
				j := benchJournal(b, replicas)
				for d := range dashboards {
					must(b, j, of(fmt.Sprintf("dashboard-%04d", d), 0, "x"))
				}
				times := make([]time.Duration, b.N)
				b.ReportAllocs()
				b.ResetTimer()
				var appenders sync.WaitGroup
				for d := range dashboards {
					appenders.Go(func() {
						id := fmt.Sprintf("dashboard-%04d", d)
						for p, i := journal.Position(1), d; i < b.N; p, i = p+1, i+dashboards {
							begin := time.Now()
							a := journal.Append{DashboardID: id, After: p, Records: [][]byte{record}, Summary: []byte(`{"title":"Operations","widgets":24}`)}
							if _, err := j.Append(b.Context(), a); err != nil {
								b.Error(err)
								return
							}
							times[i] = time.Since(begin)
						}
					})
				}
				appenders.Wait()
				b.StopTimer()
				report(b, times)
			})
		}
	}
}

// BenchmarkHead asks for heads that the leader confirms.
func BenchmarkHead(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			j := benchJournal(b, replicas)
			must(b, j, of("ops", 0, "x"))
			times := make([]time.Duration, b.N)
			b.ResetTimer()
			for i := range times {
				begin := time.Now()
				if _, _, err := j.Head(b.Context(), "ops"); err != nil {
					b.Fatal(err)
				}
				times[i] = time.Since(begin)
			}
			b.StopTimer()
			report(b, times)
		})
	}
}

// BenchmarkList lists a page of fifty among 100,000 dashboards.
func BenchmarkList(b *testing.B) {
	const dashboards, writers = 100_000, 200
	s := newServer(b, b.TempDir(), false)
	j := mustOpen(b, s.url(), quiet(Options{Replicas: 1, SyncAlways: true}))
	before := memory()
	begin := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := w; n < dashboards; n += writers {
				if err := settle(b.Context(), j, of(fmt.Sprintf("dashboard-%06d", n), 0, "x")); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.Logf("%d dashboards made in %s", dashboards, time.Since(begin).Round(time.Millisecond))
	j.tails.age()
	j.tails.age()
	b.Logf("%d bytes a dashboard, server and driver in one process", (memory()-before)/dashboards)
	times := make([]time.Duration, b.N)
	b.ResetTimer()
	for i := range times {
		begin := time.Now()
		page, err := j.List(b.Context(), fmt.Sprintf("dashboard-%06d", i*7919%(dashboards-100)), 50)
		if err != nil || len(page) != 50 {
			b.Fatalf("%d dashboards, %v", len(page), err)
		}
		times[i] = time.Since(begin)
	}
	b.StopTimer()
	report(b, times)
}

func benchJournal(b *testing.B, replicas int) *Journal {
	b.Helper()
	o := Options{Replicas: replicas, SyncAlways: true, Logger: slog.New(slog.DiscardHandler)}
	if replicas == 1 {
		return mustOpen(b, newServer(b, b.TempDir(), true).url(), o)
	}
	return mustOpen(b, natstest.NewCluster(b).URLs(), o)
}

// report adds what half and what all but a hundredth of the calls took at most.
func report(b *testing.B, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// memory is what the heap holds after a collection.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
