package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// editor edits one widget of one dashboard and keeps so many ops without an answer.
type editor struct {
	*conn
	prefix string // of op ids
	head   []byte // of the message, after the id
	moves  *place // moves this instead of editing a widget
	node   int    // of the run's, at which it edits
	// mayBeRefused has refused count ops that may be sent again; else they are faults.
	mayBeRefused   bool
	acked, refused atomic.Uint64
	idle           chan struct{} // closed when stopping and nothing waits for an answer

	mu       sync.Mutex
	sent     map[int]time.Time // by serial, without an answer
	serial   int
	stopping bool
	message  []byte // being built
}

func newEditor(c *conn, run string, n int, dashboard string) *editor {
	return &editor{
		conn: c, prefix: run + "-" + strconv.Itoa(n) + "-", idle: make(chan struct{}), sent: make(map[int]time.Time),
		head: fmt.Appendf(nil, `","payload":{"dashboardId":"%s","widgetId":"w%d","policy":"overwrite","set":{`, dashboard, n%widgets),
	}
}

// place is a widget at the beginning of a row of four, the last one.
type place struct {
	dashboard   string
	widget, row int
}

// append appends the end of the nth op that moves the widget to and fro, over the one
// beside it.
func (p *place) append(dst []byte, n int) []byte {
	return fmt.Appendf(dst, `","payload":{"dashboardId":"%s","moved":{"w%d":{"x":%d,"y":%d}}}}`, p.dashboard, p.widget, n%2*6, p.row)
}

// queueOp queues the next op and reports whether there still are any.
func (e *editor) queueOp() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return false
	}
	e.serial++
	now := time.Now()
	e.sent[e.serial] = now
	kind := "WIDGET_UPDATE"
	if e.moves != nil {
		kind = "LAYOUT_UPDATE"
	}
	m := append(append(append(e.message[:0], `{"type":"`...), kind...), `","id":"`...)
	m = append(m, e.prefix...)
	m = strconv.AppendInt(m, int64(e.serial), 10)
	if e.moves != nil {
		e.message = e.moves.append(m, e.serial)
		e.queue(opText, e.message)
		return true
	}
	m = append(m, e.head...)
	m = append(m, stampKey...)
	m = strconv.AppendInt(m, int64(now.Sub(started)), 10)
	m = append(m, `,"/title":"edit `...)
	m = strconv.AppendInt(m, int64(e.serial), 10)
	e.message = append(m, `"}}}`...)
	e.queue(opText, e.message)
	return true
}

// run keeps the window full (0 = ops are queued elsewhere) until the connection ends.
func (e *editor) run(r *run, window int, acks *Histogram) {
	for range window {
		e.queueOp()
	}
	err := e.flush()
	for err == nil {
		answered := 0
		err = e.read(func(m []byte) error {
			switch kindOf(m) {
			case ackKind:
				e.acked.Add(1)
			case nackKind, conflictKind:
				if e.mayBeRefused && bytes.Contains(m, retryableKey) {
					e.refused.Add(1)
					break
				}
				r.fault("an op was not applied: %.200s", m)
			default:
				return nil
			}
			if e.answer(m, acks) {
				answered++
			}
			return nil
		})
		if window > 0 {
			for range answered {
				e.queueOp()
			}
		}
		if err == nil {
			err = e.flush()
		}
	}
	r.lost("an editor", err)
}

// answer settles an op.
func (e *editor) answer(m []byte, acks *Histogram) bool {
	serial, ok := serialOf(m)
	if !ok {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	at, waits := e.sent[serial]
	if !waits {
		return false
	}
	delete(e.sent, serial)
	acks.Add(time.Since(at))
	if e.stopping && len(e.sent) == 0 {
		close(e.idle)
	}
	return true
}

// stop makes no new ops; idle tells when the last has its answer.
func (e *editor) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return
	}
	e.stopping = true
	if len(e.sent) == 0 {
		close(e.idle)
	}
}
