//go:build unix

package sqlitejournal

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// BenchmarkAppend appends 300-byte records to many dashboards at once, each
// waiting for its answer before the next, as rooms do. It ends when everything is
// spread, so that cpu-µs/record is the whole price of a record.
func BenchmarkAppend(b *testing.B) {
	record := []byte(`{"type":"WIDGET_UPDATE","id":"`)
	record = append(append(record, bytes.Repeat([]byte("x"), 300-len(record)-2)...), `"}`...)
	summary := []byte(`{"title":"Operations","widgets":24}`)
	for _, dashboards := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("dashboards=%d", dashboards), func(b *testing.B) {
			j, err := Open(filepath.Join(b.TempDir(), "bench.db"), Options{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			before, cpu := j.Stats(), cpuTime(b)
			b.ReportAllocs()
			b.ResetTimer()
			var appenders sync.WaitGroup
			for d := range dashboards {
				n := (b.N + dashboards - 1 - d) / dashboards
				appenders.Go(func() {
					id := fmt.Sprintf("dashboard-%04d", d)
					for p := range journal.Position(n) {
						a := journal.Append{DashboardID: id, After: p, Records: [][]byte{record}, Summary: summary}
						if _, err := j.Append(b.Context(), a); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			appenders.Wait()
			b.StopTimer()
			after := j.Stats()
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
			records := float64(after.Records - before.Records)
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/records, "cpu-µs/record")
			b.ReportMetric(records/float64(after.Commits-before.Commits), "records/fsync")
			b.ReportMetric(float64((after.CommitTime-before.CommitTime).Microseconds())/float64(after.Commits-before.Commits), "µs/fsync")
		})
	}
}

// cpuTime is what the process has used, in user and kernel mode.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHead asks for the end of a log that is all in the tables.
func BenchmarkHead(b *testing.B) {
	j := mustOpen(b, closedJournal(b), Options{Logger: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := j.Head(b.Context(), "ops"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads the 1,000 records with which a dashboard opens (A5).
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bench.db")
	j := mustOpen(b, path, Options{Logger: slog.New(slog.DiscardHandler)})
	a := journal.Append{DashboardID: "ops"}
	for range 1000 {
		a.Records = append(a.Records, bytes.Repeat([]byte("x"), 300))
	}
	if _, err := j.Append(b.Context(), a); err != nil {
		b.Fatal(err)
	}
	if err := j.Close(); err != nil { // spreads
		b.Fatal(err)
	}
	j = mustOpen(b, path, Options{Logger: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range j.Read(b.Context(), "ops", 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSpread appends 400-byte records to 100 dashboards, 16 at once, so that nearly all of
// cpu-µs/record is what spreading them takes.
func BenchmarkSpread(b *testing.B) {
	const dashboards, together = 100, 16
	j, err := Open(filepath.Join(b.TempDir(), "bench.db"), Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	records := make([][]byte, together)
	for i := range records {
		records[i] = bytes.Repeat([]byte("x"), 400)
	}
	cpu := cpuTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	var appenders sync.WaitGroup
	for d := range dashboards {
		appenders.Go(func() {
			a := journal.Append{DashboardID: fmt.Sprintf("dashboard-%04d", d), Records: records, Summary: []byte(`{"title":"Operations"}`)}
			for range b.N / dashboards / together {
				if _, err := j.Append(b.Context(), a); err != nil {
					b.Error(err)
					return
				}
				a.After += together
			}
		})
	}
	appenders.Wait()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/1e3/float64(b.N), "cpu-µs/record")
}
