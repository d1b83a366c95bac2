//go:build unix

package wsconn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dashwire/dashwire/internal/lane"
)

// Front stands between a listener and an HTTP server and carries the requests for a
// WebSocket to the server's handler by itself: net/http makes a goroutine, two buffers of
// 4 KiB and much else for a connection, which pays off over many requests and not over the
// one that opens a session. Every other connection, and whatever is not plainly such a
// request, goes on to the server as it came.
//
// What comes is read and taken apart in turns of a lane, that of net/http too, so that
// thousands of requests that come together keep nobody from work who has signed in already.
//
// It is for listeners in the clear: TLS hides what is asked for. Where the system can, a
// connection of which nothing has come yet is left with it for a second.
type Front struct {
	listener net.Listener
	by       *http.Server
	handler  http.Handler
	turns    *lane.Lane
	key      func(peer string) uint64
	bare     *bareListener // accepts in the listener's place; nil = it does so itself
	rest     chan accepted
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	wg       sync.WaitGroup

	mu      sync.Mutex
	pending map[net.Conn]struct{} // those that are nobody else's yet
	closed  bool
}

// accepted is what Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

// NewFront makes a front of a listener for a server that is then to serve it. The
// server's Handler and ReadHeaderTimeout count here too; it gets hooks of the front's,
// which call those that it has. Key is what a client, told by its address and port, counts
// as where it waits for turns.
func NewFront(ln net.Listener, by *http.Server, turns *lane.Lane, key func(peer string) uint64) *Front {
	f := &Front{
		listener: ln, by: by, handler: by.Handler, turns: turns, key: key,
		rest: make(chan accepted), pending: make(map[net.Conn]struct{}),
	}
	if f.handler == nil {
		f.handler = http.DefaultServeMux
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	if d, ok := ln.(syscall.Conn); ok {
		deferAccept(d)
	}
	f.follow()
	if f.bare = accepting(f); f.bare != nil {
		f.wg.Go(f.bare.run)
	} else {
		f.wg.Go(f.run)
	}
	return f
}

// Addr implements net.Listener.
func (f *Front) Addr() net.Addr { return f.listener.Addr() }

// Accept implements net.Listener: it gives what is no WebSocket.
func (f *Front) Accept() (net.Conn, error) {
	select {
	case a := <-f.rest:
		return a.conn, a.err
	case <-f.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It returns once all that came before has been handed on,
// answered or closed.
func (f *Front) Close() error {
	err := f.listener.Close()
	f.stop()
	if f.bare != nil {
		f.bare.close()
	}
	f.mu.Lock()
	f.closed = true
	for nc := range f.pending {
		_ = nc.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
	return err
}

// run accepts until the listener ends. What else goes wrong is the server's: it waits
// and accepts again.
func (f *Front) run() {
	for {
		nc, err := f.listener.Accept()
		switch {
		case err == nil && rawOf(nc) != nil:
			f.wg.Add(1)
			f.turns.Go(f.key(nc.RemoteAddr().String()), greeting{f, nc})
		case !f.hand(nc, err), errors.Is(err, net.ErrClosed):
			return
		}
	}
}

// hand gives something to Accept. It reports false at the end.
func (f *Front) hand(nc net.Conn, err error) bool {
	select {
	case f.rest <- accepted{nc, err}:
		return true
	case <-f.ctx.Done():
		if nc != nil {
			_ = nc.Close()
		}
		return false
	}
}

// watched is a connection that a listener counts, adding nothing to what is read and
// written.
type watched interface {
	counted
	net.Conn
	// Raw is what is read in its place, and Note tells it of the bytes.
	Raw() *net.TCPConn
	Note(bytes int)
}

// rawOf is the connection itself, nil if something else may stand before it.
func rawOf(nc net.Conn) *net.TCPConn {
	switch nc := nc.(type) {
	case *net.TCPConn:
		return nc
	case watched:
		return nc.Raw()
	}
	return nil
}

// greeting is a connection that has just come.
type greeting struct {
	front *Front
	nc    net.Conn
}

// Run implements lane.Work. Where a crowd comes, the request is mostly there already; where
// it is not, a goroutine with a small stack and no buffer waits for it.
func (g greeting) Run(t *lane.Turn) {
	f, nc := g.front, g.nc
	defer f.wg.Done()
	if !f.begin(nc) {
		return
	}
	sock := newSocket(rawOf(nc), 0)
	if err := sock.again(); err != errNothing {
		f.read(nc, sock, t, err)
		return
	}
	sock.release()
	f.wg.Go(func() {
		err := f.wait(nc, sock)
		t := f.turns.Enter(f.key(nc.RemoteAddr().String()))
		defer t.Leave()
		f.read(nc, sock, t, err)
	})
}

// read looks at what came first, in a turn; err is why nothing did.
func (f *Front) read(nc net.Conn, sock socket, t *lane.Turn, err error) {
	defer f.leave(nc)
	defer sock.release()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_, err = nc.Read(make([]byte, 1)) // tells who watches over it
	}
	if err != nil {
		_ = nc.Close()
		return
	}
	if !f.begins(nc, nc.RemoteAddr().String(), sock.bytes(), t) {
		f.pass(nc, bytes.Clone(sock.bytes()), t)
	}
}

// begins serves a connection that begins with a request for a WebSocket; of another one it
// reports false.
func (f *Front) begins(l link, peer string, with []byte, t *lane.Turn) bool {
	head, early, whole := cutHead(with)
	if !whole {
		return false
	}
	r := upgradeOf(head)
	if r == nil {
		return false
	}
	r.RemoteAddr = peer
	f.serve(l, r, t, bytes.Clone(early))
	return true
}

// pass hands a connection on of which something was read.
func (f *Front) pass(nc net.Conn, rest []byte, t *lane.Turn) {
	t.Leave()
	f.hand(&begun{Conn: nc, rest: rest, turn: f.turns.Turn(f.key(nc.RemoteAddr().String()))}, nil)
}

// begin reports whether a connection is still taken.
func (f *Front) begin(nc net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = nc.Close()
		return false
	}
	f.pending[nc] = struct{}{}
	return true
}

// leave forgets a connection that is somebody else's from now on, or has ended.
func (f *Front) leave(nc net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, nc)
}

// wait waits for the first bytes, as long as the server would.
func (f *Front) wait(nc net.Conn, sock socket) error {
	within := f.by.ReadHeaderTimeout
	if within <= 0 {
		return sock.wait()
	}
	if err := nc.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if err := sock.wait(); err != nil {
		return err
	}
	return nc.SetReadDeadline(time.Time{})
}

// cutHead cuts a request's head off what has come. It reports false if it is not whole.
func cutHead(b []byte) (head, rest []byte, whole bool) {
	const end = "\r\n\r\n"
	if i := bytes.Index(b, []byte(end)); i >= 0 {
		return b[:i+len(end)], b[i+len(end):], true
	}
	return nil, nil, false
}

// readers read the heads of requests.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 1024) }}

// upgradeOf reads a request whose head is whole, nil unless it plainly asks for a
// WebSocket: everything that could be understood in two ways is left to net/http.
func upgradeOf(head []byte) *http.Request {
	if !bytes.HasPrefix(head, []byte("GET /")) || !plain(head) {
		return nil
	}
	in := readers.Get().(*bufio.Reader)
	defer readers.Put(in)
	in.Reset(bytes.NewReader(head))
	r, err := http.ReadRequest(in)
	if err != nil || r.ProtoMajor != 1 || r.ProtoMinor != 1 || !IsUpgrade(r) || r.Close || !plainHost(r.Host) ||
		r.ContentLength != 0 || len(r.TransferEncoding) > 0 || r.Header["Expect"] != nil || r.Header["Content-Length"] != nil {
		return nil
	}
	for name := range r.Header {
		if strings.ContainsAny(name, " \t") { // before the colon; net/http refuses the request
			return nil
		}
	}
	return r
}

// plain reports whether every line ends as it should, none goes on in the next, and all
// else is text.
func plain(head []byte) bool {
	for i, c := range head {
		switch {
		case c == '\r' && head[i+1] != '\n', c == '\n' && (i == 0 || head[i-1] != '\r'): // head ends with \n
			return false
		case c < ' ' && c != '\r' && c != '\n' && c != '\t', c >= 0x7f:
			return false
		case (c == ' ' || c == '\t') && head[i-1] == '\n': // head begins with GET
			return false
		}
	}
	return true
}

// plainHost reports whether a host is a name or an address, with or without a port.
func plainHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".-_:[]", c))
	})
}

// serve has the server's handler answer a request for a WebSocket.
func (f *Front) serve(l link, r *http.Request, t *lane.Turn, early []byte) {
	w := &fronted{front: f, link: l, early: early, header: make(http.Header)}
	defer func() {
		switch v := recover(); {
		case v != nil && v != http.ErrAbortHandler:
			f.logf("wsconn: panic serving %s: %v\n%s", r.RemoteAddr, v, debug.Stack())
			fallthrough
		case v != nil:
			if !w.taken {
				_ = l.Close()
			}
		case !w.taken:
			t.Leave() // what is left to do is to write
			w.finish(r)
		}
	}()
	f.handler.ServeHTTP(w, r.WithContext(t.Context(f.ctx)))
}

func (f *Front) logf(format string, args ...any) {
	if f.by.ErrorLog != nil {
		f.by.ErrorLog.Printf(format, args...)
	}
}

// fronted is the answer to a request that Front serves.
type fronted struct {
	front  *Front
	link   link
	early  []byte
	header http.Header
	status int // 0 = not told yet
	body   bytes.Buffer
	taken  bool
}

// Header implements http.ResponseWriter.
func (w *fronted) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *fronted) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *fronted) Write(b []byte) (int, error) {
	if w.taken {
		return 0, http.ErrHijacked
	}
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// take gives the connection to who carries a session over it.
func (w *fronted) take() (l link, early []byte, err error) {
	if w.taken {
		return nil, nil, http.ErrHijacked
	}
	w.taken = true
	if nc, ok := w.link.(net.Conn); ok {
		w.front.leave(nc)
	}
	return w.link, w.early, nil
}

// ordinary is a connection as one of package net's.
func ordinary(l link) (net.Conn, error) {
	if b, ok := l.(bare); ok {
		return b.ordinary()
	}
	return l.(net.Conn), nil
}

// Hijack implements http.Hijacker.
func (w *fronted) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	l, early, err := w.take()
	if err != nil {
		return nil, nil, err
	}
	nc, err := ordinary(l)
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(early), nc))
	_, _ = in.Peek(len(early)) // so that what has come counts as buffered
	return nc, bufio.NewReadWriter(in, bufio.NewWriter(nc)), nil
}

// The times of an answer that refuses.
const (
	// answerWithin bounds its writing.
	answerWithin = 5 * time.Second
	// answerLinger is how long a client has to read it before the connection ends.
	answerLinger = 500 * time.Millisecond
)

// finish sends the answer and ends the connection.
func (w *fronted) finish(r *http.Request) {
	nc, err := ordinary(w.link)
	if err != nil || !w.front.begin(nc) {
		return
	}
	defer w.front.leave(nc)
	defer nc.Close()
	w.WriteHeader(http.StatusOK)
	if w.header.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.header.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	answer := http.Response{
		StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Request: r,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Close: true,
	}
	if err := answer.Write(&b); err != nil {
		return // it is written to memory
	}
	if err := nc.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return
	}
	if _, err := nc.Write(b.Bytes()); err != nil {
		return
	}
	// Closing while the client still sends would reset the connection and lose the answer.
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = nc.SetReadDeadline(time.Now().Add(answerLinger))
		_, _ = io.Copy(io.Discard, nc)
	}
}
