package room

import (
	"container/list"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

// Bounds of the live value of one widget (W2).
const (
	maxPoints     = 1000
	maxValueBytes = 64 << 10
)

// valueCache holds the live values of the dashboards that were fed last (W2). It
// outlives their rooms; beyond its size the longest unfed dashboards are forgotten.
type valueCache struct {
	maxBytes int

	mu     sync.Mutex
	bytes  int
	boards map[string]*values
	order  *list.List // of *values, the last fed first
}

func newValueCache(maxBytes int) *valueCache {
	return &valueCache{maxBytes: maxBytes, boards: make(map[string]*values), order: list.New()}
}

// open returns the values of a dashboard, empty ones if it has none.
func (c *valueCache) open(id string) *values {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.boards[id]; v != nil {
		return v
	}
	return &values{cache: c, id: id, widgets: make(map[string]*liveValue)}
}

// fed notes that a dashboard's values have grown by a number of bytes.
func (c *valueCache) fed(v *values, grown int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += grown
	if v.place == nil {
		v.place = c.order.PushFront(v)
		c.boards[v.id] = v
	} else {
		c.order.MoveToFront(v.place)
	}
	for c.bytes > c.maxBytes && c.order.Len() > 1 {
		oldest := c.order.Back().Value.(*values)
		c.order.Remove(oldest.place)
		oldest.place = nil
		delete(c.boards, oldest.id)
		c.bytes -= oldest.forget()
	}
}

// values are the newest live values of one dashboard. Each change gets a number;
// a session keeps the number that it has sent, so what a slow one misses is skipped.
type values struct {
	cache *valueCache
	id    string
	place *list.Element // in cache.order, guarded by cache.mu

	mu      sync.Mutex
	widgets map[string]*liveValue
	bytes   int
	last    uint64 // number of the newest change
	// published is how far sessions go; it moves once a sweep, so that they stay
	// together and share one frame.
	published uint64
	frame     []byte // of the changes (frameFrom, frameTo]
	frameFrom uint64
	frameTo   uint64
}

// liveValue is a value, or a window of points.
type liveValue struct {
	changed  uint64
	replaced uint64 // change number of the last replace
	dropped  uint64 // newest change number of a point that is no longer kept
	window   int    // 0 = not a window
	value    board.Value
	points   []point
	bytes    int
}

type point struct {
	number uint64
	data   board.Value
}

// set takes values in.
func (v *values) set(in []wire.DataValue) {
	v.mu.Lock()
	before := v.bytes
	for _, val := range in {
		v.setLocked(val)
	}
	grown := v.bytes - before
	v.mu.Unlock()
	v.cache.fed(v, grown)
}

func (v *values) setLocked(in wire.DataValue) {
	v.last++
	lv := v.widgets[in.WidgetID]
	if lv == nil {
		lv = &liveValue{}
		v.widgets[in.WidgetID] = lv
	}
	v.bytes -= lv.bytes
	lv.changed = v.last
	if !in.Append {
		lv.replaced, lv.points, lv.value, lv.window = v.last, nil, in.Data, in.Window
		lv.bytes = len(in.Data)
		if in.Window > 0 {
			lv.value, lv.bytes = "", 0
			lv.add(in.Data, v.last)
		}
	} else {
		if lv.window == 0 {
			lv.replaced, lv.value, lv.bytes = v.last, "", 0
		}
		lv.window = min(maxPoints, in.Window)
		if lv.window == 0 {
			lv.window = maxPoints
		}
		lv.add(in.Data, v.last)
	}
	v.bytes += lv.bytes
}

// add appends the points of an array and drops what the window no longer holds.
func (lv *liveValue) add(array board.Value, number uint64) {
	for p := range array.Elements() {
		lv.points = append(lv.points, point{number, p})
		lv.bytes += len(p) + 1
	}
	n := 0
	for n < len(lv.points)-1 && (len(lv.points)-n > lv.window || lv.bytes > maxValueBytes) {
		lv.bytes -= len(lv.points[n].data) + 1
		lv.dropped = lv.points[n].number
		n++
	}
	clear(lv.points[:n])
	lv.points = lv.points[n:]
}

// after returns what a session must hear that has heard the changes up to a number.
func (lv *liveValue) after(id string, number uint64) wire.DataValue {
	if lv.window == 0 {
		return wire.DataValue{WidgetID: id, Data: lv.value}
	}
	out := wire.DataValue{WidgetID: id, Window: lv.window}
	from := 0
	if lv.replaced <= number && lv.dropped <= number {
		out.Append = true
		from = len(lv.points)
		for from > 0 && lv.points[from-1].number > number {
			from--
		}
	}
	var b strings.Builder
	b.WriteByte('[')
	for i, p := range lv.points[from:] {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(p.data))
	}
	b.WriteByte(']')
	out.Data = board.Value(b.String())
	return out
}

// publish lets sessions go up to the newest change.
func (v *values) publish() {
	v.mu.Lock()
	v.published = v.last
	v.mu.Unlock()
}

// since returns one frame with the changes after a number, and the number it reaches.
func (v *values) since(number uint64, c clock.Clock) (frame []byte, next uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if number >= v.published {
		return nil, number
	}
	if v.frame != nil && v.frameFrom == number && v.frameTo == v.published {
		return v.frame, v.frameTo
	}
	var changed []wire.DataValue
	for id, lv := range v.widgets {
		if lv.changed > number {
			changed = append(changed, lv.after(id, number))
		}
	}
	if changed == nil {
		return nil, v.published
	}
	v.frame = wire.AppendFrame(nil, wire.AppendData(nil, v.id, changed, c.Now()))
	v.frameFrom, v.frameTo = number, v.published
	return v.frame, v.frameTo
}

// all returns every value whole, and the number of the newest change in them.
func (v *values) all() ([]wire.DataValue, uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make([]wire.DataValue, 0, len(v.widgets))
	for id, lv := range v.widgets {
		val := lv.after(id, 0)
		val.Append = false
		out = append(out, val)
	}
	slices.SortFunc(out, func(a, b wire.DataValue) int { return strings.Compare(a.WidgetID, b.WidgetID) })
	return out, v.last
}

// drop forgets the value of a widget that has gone.
func (v *values) drop(widgetID string) {
	v.mu.Lock()
	lv := v.widgets[widgetID]
	if lv == nil {
		v.mu.Unlock()
		return
	}
	delete(v.widgets, widgetID)
	v.bytes -= lv.bytes
	v.mu.Unlock()
	v.cache.fed(v, -lv.bytes)
}

// forget empties the values and returns how many bytes they had.
func (v *values) forget() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	had := v.bytes
	v.bytes = 0
	clear(v.widgets)
	return had
}

// Feed takes live values of a dashboard in and has them sent on (W1). The caller has
// checked that the sender may. The codes are NOT_FOUND and TOO_LARGE.
func (h *Hub) Feed(ctx context.Context, d *wire.Data, role auth.Role) *board.Error {
	r, err := h.acquire(ctx, d.DashboardID)
	if err != nil {
		return err
	}
	defer r.release()
	state := r.head()
	for _, val := range d.Values {
		if _, ok := state.Widget(val.WidgetID); !ok || state.Deleted() {
			return board.Errorf(board.CodeNotFound, "there is no widget %q on %q", val.WidgetID, d.DashboardID).At("widgetId")
		}
		if len(val.Data) > maxValueBytes {
			return board.Errorf(board.CodeTooLarge, "a live value has at most %d bytes; this one has %d", maxValueBytes, len(val.Data)).At("data")
		}
	}
	r.values.set(d.Values)
	h.stats.values.Add(uint64(len(d.Values)))
	h.sweeps.dirty(r)
	return nil
}
