package session

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// sink is a transport that takes everything and counts what it got.
type sink struct{ bytes *atomic.Int64 }

func (s sink) Write(b []byte) (int, bool) {
	s.bytes.Add(int64(len(b)))
	return len(b), true
}
func (sink) Ping()                        {}
func (sink) Close(wire.CloseCode, string) {}

// benchNode is a node on the machine's clock that writes as fast as it can.
func benchNode(b testing.TB, pace time.Duration) (*Server, func()) {
	return benchNodeOn(memjournal.New(memjournal.Options{}), pace)
}

func benchNodeOn(j journal.Journal, pace time.Duration) (*Server, func()) {
	ids := atomic.Int64{}
	newID := func() string { return fmt.Sprint("id-", ids.Add(1)) }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	hub := room.NewHub(room.Config{
		Journal: j, Clock: clock.Real{}, Rand: rand.New(rand.NewPCG(1, 2)),
		NewID: newID, Log: log, Pace: pace,
	})
	server := NewServer(Config{
		Hub: hub, Authorizer: auth.Grants{}, Clock: clock.Real{}, Rand: rand.New(rand.NewPCG(3, 4)), NewID: newID, Log: log,
		SessionsPerUser: 1 << 30, MessagesPerSecond: 1 << 29, MessageBurst: 1 << 29, BytesPerSecond: 1 << 40,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = hub.Run(ctx)
	}()
	return server, func() {
		now, end := context.WithCancel(context.Background())
		end()
		server.Drain(now, 0)
		cancel()
		<-done
	}
}

// edit is an op that sets the title of the widget cpu.
func edit(dst []byte, n int) []byte {
	return fmt.Appendf(dst, `{"type":"WIDGET_UPDATE","id":"op-%d","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"%0100d"}}}`, n, n)
}

const createCPU = `{"type":"WIDGET_UPDATE","id":"create","payload":{"dashboardId":"ops","widgetId":"cpu","create":true}}`

// BenchmarkFanOut measures one entry on its way to many readers, from the editor's
// message to the last reader's write.
func BenchmarkFanOut(b *testing.B) {
	for _, readers := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint("readers=", readers), func(b *testing.B) {
			server, stop := benchNode(b, 1)
			defer stop()
			var heard, told atomic.Int64
			editor := server.Open(sink{&told}, Meta{Principal: owner("ana")})
			editor.Handle([]byte(createCPU))
			for range readers {
				s := server.Open(sink{&heard}, Meta{Principal: owner("ana")})
				s.Handle([]byte(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`))
			}
			delivered := &server.stats.delivered
			message := make([]byte, 0, 512)
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			from, n := delivered.Load(), uint64(0)
			for b.Loop() {
				n++
				message = edit(message[:0], int(n))
				editor.Handle(message)
				for delivered.Load() < from+n*uint64(readers) {
					runtime.Gosched()
				}
			}
			runtime.ReadMemStats(&after)
			deliveries := float64(n) * float64(readers)
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/deliveries, "allocs/delivery")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/deliveries, "ns/delivery")
		})
	}
}

// BenchmarkSubmit measures one edit of a client that waits for nothing, with its
// answer written.
func BenchmarkSubmit(b *testing.B) {
	server, stop := benchNode(b, 0)
	defer stop()
	var told atomic.Int64
	editor := server.Open(sink{&told}, Meta{Principal: owner("ana")})
	editor.Handle([]byte(createCPU))
	editor.Handle([]byte(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`))
	message := make([]byte, 0, 512)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		message = edit(message[:0], n)
		editor.Handle(message)
	}
	editor.mu.Lock()
	editor.waitLocked(time.Minute, func() bool { return editor.waiting == 0 })
	editor.mu.Unlock()
}

// atOnce is a journal.Starter that has appended when Start returns.
type atOnce struct{ *memjournal.Journal }

func (j atOnce) Start(a journal.Append, done func(journal.Durability, error)) {
	done(j.Append(context.Background(), a))
}

// BenchmarkEdit measures an edit of one of 100 dashboards in turns, from its bytes to its answer, with
// what it costs one reader of each, who takes entries together and is written to for three edits at a
// time or so. All but sockets and disk is there.
func BenchmarkEdit(b *testing.B) {
	const dashboards = 100
	server, stop := benchNodeOn(atOnce{memjournal.New(memjournal.Options{})}, 1500*time.Microsecond)
	defer stop()
	var heard atomic.Int64
	type desk struct {
		editor  *Session
		told    *atomic.Int64
		before  int64
		message []byte // without its number
	}
	desks := make([]desk, dashboards)
	for i := range desks {
		d := &desks[i]
		d.told = new(atomic.Int64)
		d.editor = server.Open(sink{d.told}, Meta{Principal: owner("ana")})
		reader := server.Open(sink{&heard}, Meta{Principal: owner("ana")})
		reader.Handle(fmt.Appendf(nil, `{"type":"CONNECT","id":"hello","payload":{"clientId":"reader-%d","entries":"together"}}`, i))
		reader.Handle(fmt.Appendf(nil, `{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"ops-%d"}}`, i))
		d.before = d.told.Load()
		d.editor.Handle(fmt.Appendf(nil, `{"type":"WIDGET_UPDATE","id":"create","payload":{"dashboardId":"ops-%d","widgetId":"cpu","create":true}}`, i))
		d.message = fmt.Appendf(nil, `{"type":"WIDGET_UPDATE","id":"op-00000000","payload":{"dashboardId":"ops-%d","widgetId":"cpu","policy":"overwrite","set":{"/sent":12345678901,"/title":"edit 00000000"}}}`, i)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d := &desks[n%dashboards]
		n++
		for d.told.Load() == d.before { // one edit is in flight
			runtime.Gosched()
		}
		d.before = d.told.Load()
		for at, left := 0, n; at < 8; at++ {
			digit := byte('0' + left%10)
			left /= 10
			d.message[len(`{"type":"WIDGET_UPDATE","id":"op-00000000`)-1-at] = digit
			d.message[len(d.message)-len(`"}}}`)-1-at] = digit
		}
		d.editor.Handle(d.message)
	}
}

// BenchmarkIdleSession measures what an open session that does nothing takes beside
// its connection.
func BenchmarkIdleSession(b *testing.B) {
	server, stop := benchNode(b, 0)
	defer stop()
	var told atomic.Int64
	principal := owner("ana")
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for b.Loop() {
		n++
		s := server.Open(sink{&told}, Meta{Principal: principal})
		s.Handle([]byte(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "heap-B/session")
}

// BenchmarkResume measures a session that comes back, from its opening to the entry that it
// missed, and its end.
func BenchmarkResume(b *testing.B) {
	server, stop := benchNode(b, 0)
	defer stop()
	var told atomic.Int64
	principal := owner("ana")
	editor := server.Open(sink{&told}, Meta{Principal: principal})
	editor.Handle([]byte(createCPU))
	editor.Handle(edit(nil, 1))
	editor.mu.Lock()
	editor.waitLocked(time.Minute, func() bool { return editor.waiting == 0 })
	editor.mu.Unlock()
	state, err := server.cfg.Hub.Payload(b.Context(), room.SubscribeRequest{DashboardID: "ops", Role: auth.Owner})
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(state, []byte(`"epoch":"`))
	epoch, _, _ := bytes.Cut(rest, []byte(`"`))
	hello := []byte(`{"type":"CONNECT","id":"c","payload":{"clientId":"tab"}}`)
	request := fmt.Appendf(nil, `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops","since":{"epoch":%q,"version":1}}}`, epoch)
	b.ReportAllocs()
	for b.Loop() {
		s := server.Open(sink{&told}, Meta{Principal: principal})
		s.Handle(hello)
		s.Handle(request)
		if len(s.subs) != 1 || s.subs[0].Sent != 2 {
			b.Fatal("not resumed")
		}
		s.Closed(wire.CloseNormal, "")
	}
}

// behind opens a session that has been written to up to the eleventh and last version of a dashboard.
func behind(t testing.TB, server *Server, connect string, heard *atomic.Int64) *Session {
	var told atomic.Int64
	editor := server.Open(sink{&told}, Meta{Principal: owner("ana")})
	editor.Handle([]byte(createCPU))
	reader := server.Open(sink{heard}, Meta{Principal: owner("ana")})
	reader.Handle([]byte(connect))
	reader.Handle([]byte(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`))
	for n := range 10 {
		editor.Handle(edit(nil, n))
	}
	editor.mu.Lock()
	editor.waitLocked(time.Minute, func() bool { return editor.waiting == 0 })
	editor.mu.Unlock()
	for delivered := false; !delivered; runtime.Gosched() { // answers come before what they answer is seen
		reader.mu.Lock()
		delivered = reader.subs[0].Sent == 11
		reader.mu.Unlock()
	}
	return reader
}

// BenchmarkFlush measures a paced write of five entries to a reader.
func BenchmarkFlush(b *testing.B) {
	for _, entries := range []string{"singly", "together"} {
		b.Run(entries, func(b *testing.B) {
			server, stop := benchNode(b, 0)
			defer stop()
			var heard atomic.Int64
			reader := behind(b, server, fmt.Sprintf(`{"type":"CONNECT","id":"c","payload":{"clientId":"tab","entries":%q}}`, entries), &heard)
			now := time.Now().Add(time.Hour)
			b.ReportAllocs()
			for b.Loop() {
				reader.subs[0].Sent = 6
				now = now.Add(time.Second)
				reader.Flush(now, true)
			}
		})
	}
}

// A delivery allocates nothing: what a reader gets is a piece of the room's tail.
func TestR2_ADeliveryAllocatesNothing(t *testing.T) {
	server, stop := benchNode(t, 0)
	defer stop()
	var heard atomic.Int64
	reader := behind(t, server, `{"type":"CONNECT","id":"c","payload":{"clientId":"tab"}}`, &heard)
	now := time.Now().Add(time.Hour)
	before := heard.Load()
	allocs := testing.AllocsPerRun(100, func() {
		reader.mu.Lock()
		reader.subs[0].Sent = 6
		reader.mu.Unlock()
		now = now.Add(time.Second)
		reader.Flush(now, true)
	})
	if allocs != 0 || heard.Load()-before < 100*5*100 {
		t.Errorf("%v allocations for %d bytes", allocs, heard.Load()-before)
	}
}
