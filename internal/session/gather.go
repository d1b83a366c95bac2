package session

import (
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/room"
)

// maxWrite is the most that one write gathers, in bytes; a longer frame goes alone.
const maxWrite = 64 << 10

// buffers are what is gathered from several places for one write.
type buffers struct{ pool sync.Pool }

func (p *buffers) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, maxWrite)
	return &b
}

// put takes a buffer back, unless an unusual message has made it large.
func (p *buffers) put(b *[]byte) {
	if cap(*b) <= 2*maxWrite {
		*b = (*b)[:0]
		p.pool.Put(b)
	}
}

// joiners make frames of entries that go together. A sweeper goes on with the one that it
// has used for the session before, which mostly stood at the same place.
type joiners struct{ pool sync.Pool }

func (p *joiners) get() *room.Joiner {
	if j, ok := p.pool.Get().(*room.Joiner); ok {
		return j
	}
	return &room.Joiner{}
}

func (p *joiners) put(j *room.Joiner) { p.pool.Put(j) }

// gather collects frames for one write. The first piece is borrowed from where it
// lies; only if a second follows are both copied together.
type gather struct {
	now      time.Time
	buffers  *buffers
	joiners  *joiners
	borrowed []byte
	buffer   *[]byte
	full     bool // something did not fit
	joiner   *room.Joiner
}

func (g *gather) len() int {
	if g.buffer != nil {
		return len(*g.buffer)
	}
	return len(g.borrowed)
}

// room returns how many bytes may still be added.
func (g *gather) room() int { return maxWrite - g.len() }

// add takes a frame, or several, that will never be modified; nil is nothing. It
// reports false if they do not fit beside what is there.
func (g *gather) add(frames []byte) bool {
	switch {
	case len(frames) == 0:
	case g.len() == 0:
		g.borrowed = frames
	case len(frames) > g.room():
		g.full = true
		return false
	default:
		b := g.own()
		*b = append(*b, frames...)
	}
	return true
}

// own returns the buffer to append to.
func (g *gather) own() *[]byte {
	if g.buffer == nil {
		g.buffer = g.buffers.get()
		*g.buffer = append(*g.buffer, g.borrowed...)
		g.borrowed = nil
	}
	return g.buffer
}

// joining returns the joiner, whose frames are valid until it makes the next: what it has
// made before is copied.
func (g *gather) joining() *room.Joiner {
	if g.joiner == nil {
		g.joiner = g.joiners.get()
	} else if len(g.borrowed) > 0 {
		g.own()
	}
	return g.joiner
}

// done returns what was gathered, and the buffer that is to be given back once it is
// written, if any.
func (g *gather) done() (frames []byte, buffer *[]byte) {
	if g.buffer != nil {
		return *g.buffer, g.buffer
	}
	return g.borrowed, nil
}
