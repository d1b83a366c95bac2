// Command raw is the floor of the comparison: for each edit it makes one WebSocket
// frame and hands it to write(2) once for each reader, and it does nothing else that
// could be left out. It parses no JSON, keeps no document and trusts its clients.
//
//	raw ADDRESS
//
// A client that subscribes with "flood" instead of a dashboard gets frames without
// end, many in one write: what a generator can take at most.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: raw ADDRESS")
	}
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	s := &server{boards: map[string]*board{}, buffers: sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go s.open(c.(*net.TCPConn))
	}
}

type server struct {
	buffers sync.Pool // of *[]byte for reading

	mu     sync.Mutex
	boards map[string]*board
	flood  sync.Once
}

// board is a dashboard: a number and who reads it.
type board struct {
	mu      sync.Mutex
	version uint64
	readers []*net.TCPConn
	frame   []byte // of the last edit
}

func (s *server) board(id string) *board {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boards[id]
	if b == nil {
		b = &board{}
		s.boards[id] = b
	}
	return b
}

// open answers the handshake and leaves: serving has a goroutine of its own, whose
// stack never was large.
func (s *server) open(c *net.TCPConn) {
	r := bufio.NewReaderSize(c, 1024)
	key := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			c.Close()
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Sec-WebSocket-Key") {
			key = strings.TrimSpace(value)
		}
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	raw, err2 := c.SyscallConn()
	if err != nil || err2 != nil {
		c.Close()
		return
	}
	early, _ := r.Peek(r.Buffered())
	go s.serve(c, raw, slices.Clone(early))
}

// serve reads until the connection ends. It holds no buffer while nothing is there.
func (s *server) serve(c *net.TCPConn, raw syscall.RawConn, rest []byte) {
	var mine []*board
	defer func() {
		for _, b := range mine {
			b.leave(c)
		}
		c.Close()
	}()
	for {
		rest = s.messages(c, rest, &mine)
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			buf := s.buffers.Get().(*[]byte)
			defer s.buffers.Put(buf)
			n, err := syscall.Read(int(fd), *buf)
			switch {
			case err == syscall.EAGAIN || err == syscall.EINTR:
				return false
			case err != nil:
				failed = err
			case n == 0:
				failed = io.EOF
			default:
				rest = append(rest, (*buf)[:n]...)
			}
			return true
		})
		if err != nil || failed != nil {
			return
		}
	}
}

// messages handles the whole frames at the start of b and returns the rest.
func (s *server) messages(c *net.TCPConn, b []byte, mine *[]*board) []byte {
	for {
		if len(b) < 6 {
			break
		}
		head, size := 6, int(b[1]&127)
		switch {
		case size == 126 && len(b) >= 8:
			head, size = 8, int(binary.BigEndian.Uint16(b[2:]))
		case size == 127 && len(b) >= 14:
			head, size = 14, int(binary.BigEndian.Uint64(b[2:]))
		case size > 125:
			return b
		}
		if len(b) < head+size {
			return b
		}
		mask, payload := b[head-4:head], b[head:head+size]
		if binary.LittleEndian.Uint32(mask) != 0 {
			for i := range payload {
				payload[i] ^= mask[i&3]
			}
		}
		s.message(c, payload, mine)
		b = b[head+size:]
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

var (
	subscribeStart = []byte(`{"type":"subscribe"`)
	editStart      = []byte(`{"type":"edit","id":"`)
)

func (s *server) message(c *net.TCPConn, m []byte, mine *[]*board) {
	id := valueOf(m, `"dashboardId":"`)
	switch {
	case id == "flood":
		s.flood.Do(func() { go s.board(id).pour() })
		fallthrough
	case bytes.HasPrefix(m, subscribeStart):
		b := s.board(id)
		*mine = append(*mine, b)
		b.join(c)
	case bytes.HasPrefix(m, editStart):
		op := valueOf(m, `"id":"`)
		v := s.board(id).edit(m)
		c.Write(frame(nil, `{"type":"ack","id":"`+op+`","version":`+strconv.FormatUint(v, 10)+`}`))
	}
}

func (b *board) join(c *net.TCPConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Write(frame(nil, `{"type":"subscribed","version":`+strconv.FormatUint(b.version, 10)+`}`))
	b.readers = append(b.readers, c)
}

func (b *board) leave(c *net.TCPConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.readers, c); i >= 0 {
		b.readers = slices.Delete(b.readers, i, i+1)
	}
}

// edit is the floor itself.
func (b *board) edit(m []byte) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	b.frame = frame(b.frame[:0], entry(b.version, m))
	for _, c := range b.readers {
		c.Write(b.frame)
	}
	return b.version
}

// pour writes frames to all readers as fast as they are taken, 64 in a write.
func (b *board) pour() {
	message := []byte(editStart)
	message = append(message, `1","dashboardId":"flood","widgetId":"w1","set":{"/sent":0,"/title":"`+strings.Repeat("x", 160)+`"}}`...)
	var frames []byte
	for {
		b.mu.Lock()
		frames = frames[:0]
		for range 64 {
			b.version++
			frames = frame(frames, entry(b.version, message))
		}
		for _, c := range b.readers {
			c.Write(frames)
		}
		b.mu.Unlock()
	}
}

// entry is an edit as readers hear of it.
func entry(version uint64, edit []byte) string {
	return `{"type":"entry","version":` + strconv.FormatUint(version, 10) + `,` + string(edit[len(`{"type":"edit",`):])
}

func frame(to []byte, payload string) []byte {
	to = append(to, 0x81)
	switch n := len(payload); {
	case n < 126:
		to = append(to, byte(n))
	case n < 1<<16:
		to = binary.BigEndian.AppendUint16(append(to, 126), uint16(n))
	default:
		to = binary.BigEndian.AppendUint64(append(to, 127), uint64(n))
	}
	return append(to, payload...)
}

// valueOf is the text that stands after a key, up to the next quote.
func valueOf(m []byte, key string) string {
	_, rest, _ := bytes.Cut(m, []byte(key))
	value, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(value)
}
