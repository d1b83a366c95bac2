package chaos

import (
	"net"
	"sync"
	"testing"
	"time"
)

// proxy carries the connections of one Dashwire server to one NATS server, and can
// delay, hold and break them.
type proxy struct {
	ln     net.Listener
	target string
	ended  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	delay time.Duration
	// held keeps bytes back, by direction: 0 = to the NATS server.
	held    [2]bool
	changed chan struct{} // closed when held changes
	closed  bool
}

func newProxy(t *testing.T, ip, target string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, target: target, conns: make(map[net.Conn]struct{}), changed: make(chan struct{})}
	p.ended.Go(p.accept)
	t.Cleanup(func() {
		ln.Close()
		p.mu.Lock()
		p.closed = true
		close(p.changed)
		p.mu.Unlock()
		p.cut()
		p.ended.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		from, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.ended.Go(func() {
			defer from.Close()
			to, err := net.DialTimeout("tcp", p.target, 5*time.Second)
			if err != nil {
				return
			}
			defer to.Close()
			p.mu.Lock()
			if p.closed {
				p.mu.Unlock()
				return
			}
			p.conns[from], p.conns[to] = struct{}{}, struct{}{}
			p.mu.Unlock()
			var both sync.WaitGroup
			both.Go(func() { p.carry(0, from, to) })
			both.Go(func() { p.carry(1, to, from) })
			both.Wait()
			p.mu.Lock()
			delete(p.conns, from)
			delete(p.conns, to)
			p.mu.Unlock()
		})
	}
}

// chunk is what was read at one moment.
type chunk struct {
	data []byte
	due  time.Time
}

// carry copies one direction, each chunk as much later as the delay was when it came.
func (p *proxy) carry(direction int, from, to net.Conn) {
	chunks := make(chan chunk, 64)
	var reader sync.WaitGroup
	done := make(chan struct{})
	reader.Go(func() {
		defer close(chunks)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				p.mu.Lock()
				due := time.Now().Add(p.delay)
				p.mu.Unlock()
				select {
				case chunks <- chunk{buf[:n], due}:
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	for c := range chunks {
		if wait := time.Until(c.due); wait > 0 {
			<-time.After(wait)
		}
		if !p.pass(direction) {
			break
		}
		if _, err := to.Write(c.data); err != nil {
			break
		}
	}
	close(done)
	from.Close()
	to.Close()
	reader.Wait()
}

// pass waits while the direction is held; it reports false at the end.
func (p *proxy) pass(direction int) bool {
	for {
		p.mu.Lock()
		closed, held, changed := p.closed, p.held[direction], p.changed
		p.mu.Unlock()
		if closed || !held {
			return !closed
		}
		<-changed
	}
}

// set changes what is done to bytes.
func (p *proxy) set(delay time.Duration, toServer, fromServer bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.delay, p.held = delay, [2]bool{toServer, fromServer}
	close(p.changed)
	p.changed = make(chan struct{})
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}
