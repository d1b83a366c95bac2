package room

import (
	"strings"
	"sync"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

const (
	// earlyFor is how long a live value waits for its widget, of which the log tells later.
	earlyFor = 5 * time.Second
	// earlyAtMost bounds how many wait.
	earlyAtMost = 200
)

// outgoing are live values that this node was fed and that the other nodes were not told
// yet: of each widget what a node needs that has heard all before, however many came.
type outgoing struct {
	mu      sync.Mutex
	widgets map[string]*outgoingValue
}

// outgoingValue is a value, or points to be appended, or to begin a window anew with.
type outgoingValue struct {
	append bool
	window int
	value  board.Value
	points []board.Value
}

// add takes in what was fed.
func (o *outgoing) add(in []wire.DataValue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.widgets == nil {
		o.widgets = make(map[string]*outgoingValue, len(in))
	}
	for i := range in {
		val := &in[i]
		v := o.widgets[val.WidgetID]
		if v == nil {
			v = &outgoingValue{append: val.Append}
			o.widgets[val.WidgetID] = v
		}
		if !val.Append {
			*v = outgoingValue{points: v.points[:0]}
			if val.Window == 0 || val.Data.Kind() != '[' {
				v.value = val.Data
				continue
			}
		}
		if v.value != "" { // points on a single value begin a window
			*v = outgoingValue{}
		}
		v.window = val.Window
		for point := range val.Data.Elements() {
			v.points = append(v.points, point)
		}
		v.points = lastPoints(v.points, val.Window)
	}
}

// lastPoints are those of a window that its bounds keep (W2).
func lastPoints(points []board.Value, window int) []board.Value {
	if window <= 0 || window > maxPoints {
		window = maxPoints
	}
	first, bytes := len(points), 0
	for first > 0 && len(points)-first < window {
		if bytes += len(points[first-1]) + 1; bytes > maxValueBytes && first < len(points) {
			break
		}
		first--
	}
	return points[first:]
}

// take gives what is to be told, nil if nothing is.
func (o *outgoing) take() map[string]wire.NodeValue {
	o.mu.Lock()
	widgets := o.widgets
	o.widgets = nil
	o.mu.Unlock()
	if len(widgets) == 0 {
		return nil
	}
	out := make(map[string]wire.NodeValue, len(widgets))
	for id, v := range widgets {
		val := wire.NodeValue{Append: v.append, Window: v.window, Data: wire.Text(v.value)}
		if v.value == "" {
			val.Data = wire.Text(arrayOf(v.points))
		}
		out[id] = val
	}
	return out
}

func arrayOf(points []board.Value) board.Value {
	var b strings.Builder
	b.WriteByte('[')
	for i, p := range points {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(p))
	}
	b.WriteByte(']')
	return board.Value(b.String())
}

// tellNodes tells other nodes what was fed since the last sweep.
func (r *Room) tellNodes() {
	if r.hub.nodes.relay != nil {
		r.hub.tellValues(r.board(), r.id, false, r.outgoing.take())
	}
}

// fed gives the values of a dashboard that this node was fed last, whole.
func (c *valueCache) fed(id string, now time.Time) map[string]wire.NodeValue {
	c.mu.Lock()
	v := c.boards[id]
	c.mu.Unlock()
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make(map[string]wire.NodeValue)
	for widget, lv := range v.widgets {
		if lv.from != "" {
			continue
		}
		whole := lv.after(widget, 0, v.last)
		out[widget] = wire.NodeValue{
			Data: wire.Text(whole.Data), Window: whole.Window, Age: max(0, now.Sub(lv.at).Milliseconds()),
		}
	}
	return out
}

// early is a value that came before its widget.
type early struct {
	from  string
	value wire.DataValue
	until time.Time
}

// heardValues takes in live values that another node was fed, or that it has.
func (r *Room) heardValues(from string, m *wire.NodeValues) {
	now := r.hub.cfg.Clock.Now()
	taken := make([]wire.DataValue, 0, len(m.Values))
	answered := false
	r.mu.Lock()
	state := r.committed
	if state == nil || r.failed != nil || r.closed {
		r.mu.Unlock()
		return
	}
	for widget, v := range m.Values {
		val := wire.DataValue{WidgetID: widget, Data: board.Value(v.Data), Append: v.Append, Window: v.Window}
		at := now.Add(-time.Duration(v.Age) * time.Millisecond)
		_, there := state.Widget(widget)
		switch {
		case m.State && !r.values.older(widget, from, at, &val):
			continue
		case !there || state.Deleted():
		case m.State: // each with a time of its own
			r.values.set([]wire.DataValue{val}, from, at)
			answered = true
			continue
		default:
			taken = append(taken, val)
			continue
		}
		r.earlyLocked(early{from, val, now.Add(earlyFor)}, now)
	}
	r.mu.Unlock()
	if len(taken) > 0 {
		r.values.set(taken, from, now)
	}
	if answered || len(taken) > 0 {
		r.hub.sweeps.dirty(r, now)
	}
}

// earlyLocked keeps a value until its widget comes: the log may tell of that later.
func (r *Room) earlyLocked(e early, now time.Time) {
	kept := r.early[:0]
	for _, old := range r.early {
		if now.Before(old.until) {
			kept = append(kept, old)
		}
	}
	clear(r.early[len(kept):])
	r.early = kept
	if len(r.early) < earlyAtMost {
		r.early = append(r.early, e)
	}
}

// claimEarlyLocked takes the values in whose widgets have come.
func (r *Room) claimEarlyLocked() {
	if len(r.early) == 0 {
		return
	}
	now := r.hub.cfg.Clock.Now()
	kept := r.early[:0]
	for _, e := range r.early {
		_, there := r.committed.Widget(e.value.WidgetID)
		switch {
		case !now.Before(e.until):
		case there && !r.committed.Deleted():
			r.values.set([]wire.DataValue{e.value}, e.from, now)
		default:
			kept = append(kept, e)
		}
	}
	clear(r.early[len(kept):])
	r.early = kept
}

// older reports whether what is known of a widget is older than what a node answers that it
// was fed at an instant (Unix milliseconds), or is that node's own.
func (v *values) older(widget, from string, at time.Time, answer *wire.DataValue) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	lv := v.widgets[widget]
	switch {
	case lv == nil:
		return true
	case lv.window == 0 && answer.Window == 0 && lv.value == answer.Data:
		return false // nothing new
	}
	return lv.from == from || lv.at.Before(at)
}
