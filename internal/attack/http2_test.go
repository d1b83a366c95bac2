package attack

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// h2 is a connection that speaks HTTP/2 (RFC 9113) without any manners.
type h2 struct {
	*tls.Conn
	host string
}

const h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Kinds of frame, and flags of HEADERS.
const (
	h2Headers, h2Reset, h2Settings, h2Ping, h2Continuation = 0x1, 0x3, 0x4, 0x6, 0x9
	h2EndStream, h2EndHeaders                              = 0x1, 0x4
)

// dialH2 connects; little of what the server sends is taken before it is read.
func dialH2(t *testing.T, front *httptest.Server) *h2 {
	t.Helper()
	host := front.Listener.Addr().String()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	cfg := front.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	cfg.NextProtos, cfg.ServerName = []string{"h2"}, "example.com"
	c := &h2{tls.Client(conn, cfg), host}
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(append([]byte(h2Preface), c.frame(h2Settings, 0, 0, nil)...)); err != nil {
		t.Fatal(err)
	}
	if got := c.ConnectionState().NegotiatedProtocol; got != "h2" {
		t.Fatalf("the server speaks %q", got)
	}
	return c
}

// frame is one frame.
func (c *h2) frame(kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// get are the headers of a GET of /healthz (RFC 7541: three of the static table, two literals).
func (c *h2) get() []byte {
	b := []byte{0x82, 0x87, 0x04, 8}
	b = append(b, "/healthz"...)
	return append(append(b, 0x01, byte(len(c.host))), c.host...)
}

// flood writes until the server ends the connection and reports whether it did before
// most bytes were written.
func (c *h2) flood(most int, next func() []byte) (ended bool) {
	for n := 0; n < most; {
		var b bytes.Buffer
		for b.Len() < 64<<10 {
			b.Write(next())
		}
		n += b.Len()
		if _, err := c.Write(b.Bytes()); err != nil {
			return true
		}
	}
	return false
}

// answered reads up to the headers of a stream and reports whether they begin with a
// status of 200, which the static table has at 8.
func (c *h2) answered(stream uint32) bool {
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c, head); err != nil {
			return false
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			return false
		}
		if head[3] == h2Headers && binary.BigEndian.Uint32(head[5:]) == stream {
			return payload[0] == 0x88
		}
	}
}

// drain reads what the server sends, and drops it, until the connection ends.
func (c *h2) drain() { _, _ = io.Copy(io.Discard, c.Conn) }

// TestAttack_222_HTTP2Floods: over TLS, where HTTP/2 is spoken: streams that are reset as
// soon as they are opened, headers without end, pings whose answers nobody reads. The
// last two end the connection, nothing of the three reaches the others.
func TestAttack_222_HTTP2Floods(t *testing.T) {
	x := besieged(t)
	front := httptest.NewUnstartedServer(x.Server)
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)

	t.Run("rapid resets", func(t *testing.T) {
		c := dialH2(t, front)
		if _, err := c.Write(c.frame(h2Headers, h2EndStream|h2EndHeaders, 1, c.get())); err != nil || !c.answered(1) {
			t.Fatalf("a request like any other is not answered: %v", err)
		}
		go c.drain()
		stream := uint32(3)
		c.flood(2<<20, func() []byte { // some 40,000 streams, unless the server has had enough before
			b := append(c.frame(h2Headers, h2EndStream|h2EndHeaders, stream, c.get()), c.frame(h2Reset, 0, stream, []byte{0, 0, 0, 8})...)
			stream += 2
			return b
		})
		c.Close()
		x.healthy()
	})
	t.Run("headers without end", func(t *testing.T) {
		c := dialH2(t, front)
		go c.drain()
		first := true
		if !c.flood(256<<20, func() []byte {
			if first {
				first = false
				return c.frame(h2Headers, h2EndStream, 1, c.get())
			}
			// A literal that is not kept: "x" with 4,000 bytes, four times.
			field := append([]byte{0x00, 1, 'x', 0x7f, 0xa1, 0x1e}, bytes.Repeat([]byte{'a'}, 4000)...)
			return c.frame(h2Continuation, 0, 1, bytes.Repeat(field, 4))
		}) {
			t.Error("256 MiB of headers were taken")
		}
		x.healthy()
	})
	t.Run("pings whose answers nobody reads", func(t *testing.T) {
		c := dialH2(t, front)
		if !c.flood(64<<20, func() []byte { return c.frame(h2Ping, 0, 0, make([]byte, 8)) }) {
			t.Error("64 MiB of pings were taken")
		}
		x.healthy()
	})
}
