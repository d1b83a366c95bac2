package room

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// fresh is a hub that has nothing open yet.
func fresh(j journal.Journal) (h *Hub, stop func()) {
	var ids atomic.Int64
	h = NewHub(Config{
		Journal: j, Clock: clock.Real{}, Rand: rand.New(rand.NewPCG(1, 2)),
		NewID: func() string { return fmt.Sprint("epoch-", ids.Add(1)) },
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.Run(ctx)
	}()
	return h, func() {
		cancel()
		<-done
	}
}

// deaf is a subscriber that hears of nothing.
type deaf struct{}

func (deaf) Flush(time.Time, bool)            {}
func (deaf) Gone(*Subscription, string)       {}
func (deaf) Lost(*Subscription, *board.Error) {}

// BenchmarkOpenLarge opens a dashboard of 2,000 widgets and 4 MB that nobody has in memory,
// from a snapshot and 50 entries in a file, and encodes all of it for a reader.
func BenchmarkOpenLarge(b *testing.B) {
	j, err := sqlitejournal.Open(filepath.Join(b.TempDir(), "bench.db"), sqlitejournal.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	edit := func(h *Hub, id, typ, payload string) {
		answer := make(chan Answer, 1)
		h.Submit(b.Context(), op(b, id, typ, payload), func(a Answer) { answer <- a })
		if a := <-answer; a.Ack == nil {
			b.Fatal(a.Refusal)
		}
	}
	titles := func(h *Hub, from, to int) {
		for i := from; i < to; i++ {
			edit(h, fmt.Sprint("t", i), "WIDGET_UPDATE", fmt.Sprintf(`{"dashboardId":"ops","widgetId":"w%d","set":{"/title":"edit %d"}}`, i, i))
		}
	}
	h, stop := fresh(j)
	note := strings.Repeat("x", 1900)
	for from := 0; from < 2000; from += 250 {
		var list []string
		for i := from; i < from+250; i++ {
			list = append(list, fmt.Sprintf(`{"type":"WIDGET_UPDATE","widgetId":"w%d","create":true,"set":{"/type":"line","/title":"widget %d","/config":{"unit":"%%","note":%q}}}`, i, i, note))
		}
		edit(h, fmt.Sprint("c", from), "WIDGET_BATCH", `{"dashboardId":"ops","operations":[`+strings.Join(list, ",")+`]}`)
	}
	titles(h, 0, 100)
	stop() // saves a snapshot, now that there are over a hundred entries
	h, stop = fresh(j)
	titles(h, 100, 150)
	stop() // too few for another one

	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		h, stop := fresh(j)
		b.StartTimer()
		frames, at, err := h.Subscribe(b.Context(), SubscribeRequest{DashboardID: "ops", Role: auth.Owner}, deaf{}, func(*Subscription) {})
		b.StopTimer()
		size := 0
		for _, f := range frames {
			size += len(f)
		}
		if err != nil || size < 3_900_000 || at.Sent != 158 {
			b.Fatalf("%d bytes, version %d, %v", size, at.Sent, err)
		}
		stop()
		b.StartTimer()
	}
}
