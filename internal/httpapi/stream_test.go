package httpapi

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

// failing is a response of which no byte can be written.
type failing struct{ err error }

func (failing) Header() http.Header              { return http.Header{} }
func (failing) WriteHeader(int)                  {}
func (f failing) Write([]byte) (int, error)      { return 0, f.err }
func (f failing) FlushError() error              { return f.err }
func (failing) SetWriteDeadline(time.Time) error { return nil }

func TestR5_AStreamThatTakesNothingEnds(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want wire.CloseCode
	}{
		{"R5 stalled", os.ErrDeadlineExceeded, wire.CloseStalled},
		{"R5 gone", errors.New("broken pipe"), wire.CloseAbnormal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStream(failing{tc.err}, clock.Real{}, nil)
			s.tell([]byte(`{}`))
			if code, _ := s.run(context.Background(), nil); code != tc.want {
				t.Errorf("code %d, want %d", code, tc.want)
			}
		})
	}
}

func TestR5_AStreamHoldsLittle(t *testing.T) {
	s := newStream(failing{}, clock.Real{}, nil)
	frame := wire.AppendFrame(nil, make([]byte, maxPending/2))
	if n, ready := s.Write(frame); n != len(frame) || !ready {
		t.Fatalf("first write: %d, %v", n, ready)
	}
	if n, ready := s.Write(frame); n != len(frame) || ready {
		t.Fatalf("the write that fills it: %d, %v", n, ready)
	}
	if n, ready := s.Write(frame); n != 0 || ready {
		t.Fatalf("one more: %d, %v", n, ready)
	}
}

func TestR5_ASlowStreamHearsEveryVersionOnce(t *testing.T) {
	n := start(t, func(c *Config) { // the writer is not what is slow here
		c.RequestsPerSecond, c.RequestBurst, c.BytesPerSecond = 10_000, 10_000, 64<<20
	})
	n.create("ops")
	l := n.listen("/api/realtime/events?dashboardId=ops")
	l.next()
	at := l.next().Payload.Version
	// More than sockets, stream and tail hold together, before anything is read.
	const requests, ops = 8, 300
	for i := range requests {
		var b strings.Builder
		b.WriteString(`{"type":"SYNC","operations":[`)
		for k := range ops {
			if k > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`{"type":"WIDGET_UPDATE","id":"o-` + strconv.Itoa(i*ops+k) + `","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/text":"` + strings.Repeat("x", 4000) + strconv.Itoa(i*ops+k) + `"}}}`)
		}
		n.do("POST", "/api/realtime", b.String()+"]}").want(200).has(`"ACK"`, "results", ops-1, "type")
	}
	last := at + requests*ops
	composed := 0
	for at < last {
		e := l.next()
		switch {
		case e.Type == "WIDGET_UPDATE" && e.Payload.Version == at+1:
			at++
		case e.Type == "SYNC_UPDATE" && e.Payload.From == at && e.Payload.Version > at:
			at = e.Payload.Version
			composed++
		case e.Type == "SYNC_RESPONSE" && e.Payload.Mode == "snapshot" && e.Payload.Version > at:
			at = e.Payload.Version
			composed++
		default:
			t.Fatalf("after version %d: %s from %d to %d", at, e.Type, e.Payload.From, e.Payload.Version)
		}
	}
	if composed == 0 {
		t.Error("nothing was skipped: the stream was not slow")
	}
	// Where it broke off then is where it goes on.
	l.close()
	again := n.listen("/api/realtime/events?dashboardId=ops", header{"Last-Event-ID", l.id})
	again.next()
	if e := again.next(); e.Payload.Mode != "delta" || len(e.Payload.Entries) != 0 || e.Payload.Version != last {
		t.Errorf("resumed with %+v", e)
	}
}

func TestH3_IDsWithAColon(t *testing.T) {
	n := start(t, nil)
	n.create("a:1")
	for _, path := range []string{"/api/dashboards/a:1", "/api/dashboards/a%3A1", "/api/dashboards/a%3a1"} {
		n.raw("GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").want(200).has(`"a:1"`, "id")
	}
}

func TestH5_BodiesThatAreNoText(t *testing.T) {
	n := start(t, nil)
	n.do("POST", "/api/realtime", "x", header{"Content-Encoding", "gzip"}).refused(415, board.CodeBadMessage)
	// A body that breaks off.
	n.raw("POST /api/realtime HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n").refused(400, board.CodeBadMessage)
}

func BenchmarkStreamEntry(b *testing.B) {
	frame := wire.AppendFrame(nil, []byte(`{"type":"WIDGET_UPDATE","id":"01JD","timestamp":"2026-11-22T18:00:00.000Z","userId":"ana","payload":{"dashboardId":"ops","epoch":"k3J9k3J9","version":42,"author":{"userId":"ana","clientId":"tab-1"},"change":{"widgets":{"cpu":{"set":{"/title":"CPU load"}}}}}}`))
	var s stream
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		s.out = s.out[:0]
		s.events(frame)
	}
}
