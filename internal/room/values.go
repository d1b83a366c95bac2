package room

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

// Bounds of the live value of one widget (W2).
const (
	maxPoints     = wire.MaxPoints
	maxValueBytes = wire.MaxDataBytes
)

const (
	// valueCost and pointCost are about what keeping one takes beside its text.
	valueCost = 256
	pointCost = 32
	// valueFrame is the size above which one frame of live values takes no more.
	valueFrame = 32 << 10
)

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
	// together and share one frame. It is set under mu, and looked at without by the
	// many who have nothing to hear.
	published atomic.Uint64
	frame     []byte // of the changes (frameFrom, frameTo], when published was frameAt
	frameFrom uint64
	frameTo   uint64
	frameAt   uint64
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
	// from is the node that was fed the last change, "" = this one; at is when this one
	// heard of it.
	from string
	at   time.Time
}

type point struct {
	number uint64
	data   board.Value
}

// set takes values in that a node was fed, "" = this one.
func (v *values) set(in []wire.DataValue, from string, now time.Time) {
	v.mu.Lock()
	before := v.bytes
	for _, val := range in {
		lv := v.setLocked(val)
		lv.from, lv.at = from, now
	}
	grown := v.bytes - before
	v.mu.Unlock()
	v.cache.grown(v, grown, false)
}

func (v *values) setLocked(in wire.DataValue) *liveValue {
	v.last++
	lv := v.widgets[in.WidgetID]
	if lv == nil {
		lv = &liveValue{}
		v.widgets[in.WidgetID] = lv
	}
	v.bytes -= lv.bytes
	lv.changed = v.last
	switch {
	case !in.Append && (in.Window == 0 || in.Data.Kind() != '['):
		*lv = liveValue{changed: v.last, replaced: v.last, value: in.Data}
	default:
		if !in.Append || lv.window == 0 {
			*lv = liveValue{changed: v.last, replaced: v.last, points: lv.points[:0]}
		}
		lv.window = min(maxPoints, in.Window)
		if lv.window == 0 {
			lv.window = maxPoints
		}
		lv.add(in.Data, v.last)
	}
	lv.bytes = valueCost + len(in.WidgetID) + len(lv.value) + lv.pointBytes() + pointCost*len(lv.points)
	v.bytes += lv.bytes
	return lv
}

// pointBytes is the size of the window as an array.
func (lv *liveValue) pointBytes() int {
	n := 0
	for i := range lv.points {
		n += len(lv.points[i].data) + 1
	}
	return n
}

// add appends the points of an array and drops what the window no longer holds.
func (lv *liveValue) add(array board.Value, number uint64) {
	for p := range array.Elements() {
		lv.points = append(lv.points, point{number, p})
	}
	bytes, n := lv.pointBytes(), 0
	for n < len(lv.points)-1 && (len(lv.points)-n > lv.window || bytes > maxValueBytes) {
		bytes -= len(lv.points[n].data) + 1
		lv.dropped = lv.points[n].number
		n++
	}
	kept := copy(lv.points, lv.points[n:])
	clear(lv.points[kept:])
	lv.points = lv.points[:kept]
}

// after returns what a session must hear that has heard the changes up to a number,
// so that it has then heard those up to another. What is newer still is left for the
// next time, unless a newer replace has made it unknowable.
func (lv *liveValue) after(id string, number, upTo uint64) wire.DataValue {
	if lv.window == 0 {
		return wire.DataValue{WidgetID: id, Data: lv.value}
	}
	out := wire.DataValue{WidgetID: id, Window: lv.window}
	from, to := 0, len(lv.points)
	if lv.replaced <= upTo {
		for to > 0 && lv.points[to-1].number > upTo {
			to--
		}
		if lv.replaced <= number && lv.dropped <= number {
			out.Append = true
			for from = to; from > 0 && lv.points[from-1].number > number; {
				from--
			}
		}
	}
	var b strings.Builder
	b.WriteByte('[')
	for i, p := range lv.points[from:to] {
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
	v.published.Store(v.last)
	v.mu.Unlock()
}

// since returns one frame with changes after a number, the oldest first, and the
// number it reaches: the published one, or an earlier one if the frame is full.
func (v *values) since(number uint64, c clock.Clock) (frame []byte, next uint64) {
	if number >= v.published.Load() {
		return nil, number
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	published := v.published.Load()
	if v.frame != nil && v.frameFrom == number && v.frameAt == published {
		return v.frame, v.frameTo
	}
	list := v.missedLocked(number)
	if len(list) == 0 {
		return nil, published
	}
	v.frameTo = published
	size := 0
	for i, m := range list {
		if size += m.value.size() + len(m.id); size > valueFrame && i > 0 {
			list = list[:i]
			v.frameTo = min(v.frameTo, m.from-1)
			break
		}
	}
	changed := make([]wire.DataValue, len(list))
	for i, m := range list {
		changed[i] = m.value.after(m.id, number, v.frameTo)
	}
	v.frame = wire.AppendFrame(nil, wire.AppendData(nil, v.id, changed, c.Now()))
	v.frameFrom, v.frameAt = number, published
	return v.frame, v.frameTo
}

// missed is a value that a session must hear of, and the number of the first change
// that it has missed.
type missed struct {
	id    string
	from  uint64
	value *liveValue
}

// missedLocked lists what changed after a number, the longest missed first. A window
// that has only gained points since the last publish has nothing to tell yet; a value
// that changes all the time never waits.
func (v *values) missedLocked(number uint64) []missed {
	list := make([]missed, 0, len(v.widgets))
	published := v.published.Load()
	for id, lv := range v.widgets {
		if lv.changed <= number {
			continue
		}
		first := lv.firstAfter(number)
		if lv.window == 0 || lv.replaced > published || first <= published {
			list = append(list, missed{id, first, lv})
		}
	}
	slices.SortFunc(list, func(a, b missed) int { return cmp.Compare(a.from, b.from) })
	return list
}

// firstAfter is the number of the first change after a number, as far as it matters.
func (lv *liveValue) firstAfter(number uint64) uint64 {
	first := lv.changed
	for _, n := range [...]uint64{lv.replaced, lv.dropped} {
		if n > number {
			first = min(first, n)
		}
	}
	i := sort.Search(len(lv.points), func(i int) bool { return lv.points[i].number > number })
	if i < len(lv.points) {
		first = min(first, lv.points[i].number)
	}
	return first
}

// size is about what the value takes in a frame.
func (lv *liveValue) size() int { return len(lv.value) + lv.pointBytes() }

// all returns every value whole, and the number of the newest change in them.
func (v *values) all() ([]wire.DataValue, uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make([]wire.DataValue, 0, len(v.widgets))
	for id, lv := range v.widgets {
		val := lv.after(id, 0, v.last)
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
	lost, empty := lv.bytes, len(v.widgets) == 0
	v.bytes -= lost
	v.mu.Unlock()
	v.cache.grown(v, -lost, empty)
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

// mostNamed bounds the values that a refusal names in its message.
const mostNamed = 20

// Refused is why Feed left values out, one error for each of them; it is the cause of
// what Feed returns.
type Refused []*board.Error

// Error implements error.
func (r Refused) Error() string {
	texts := make([]string, 0, min(len(r), mostNamed)+1)
	for i, err := range r {
		if i == mostNamed {
			texts = append(texts, strconv.Itoa(len(r)-i)+" more")
			break
		}
		texts = append(texts, err.Message)
	}
	return strings.Join(texts, "; ")
}

// Feed takes live values of a dashboard in and has them sent on (W1). The caller has
// checked that the sender may. A value that cannot be taken keeps no other out; the
// error then names it, with a code of NOT_FOUND or TOO_LARGE, that of the first where
// there are several, and holds them all as Refused.
func (h *Hub) Feed(ctx context.Context, d *wire.Data) *board.Error {
	r, err := h.acquire(ctx, d.DashboardID)
	if err != nil {
		return err
	}
	defer r.release()
	state := r.head()
	var refused Refused
	taken := make([]wire.DataValue, 0, len(d.Values))
	for _, val := range d.Values {
		if _, ok := state.Widget(val.WidgetID); !ok || state.Deleted() {
			refused = append(refused, board.Errorf(board.CodeNotFound, "there is no widget %q on %q", val.WidgetID, d.DashboardID).At("widgetId"))
			continue
		}
		if len(val.Data) > maxValueBytes {
			refused = append(refused, board.Errorf(board.CodeTooLarge, "a live value has at most %d bytes; that of %q has %d", maxValueBytes, val.WidgetID, len(val.Data)).At("data").Over(board.LimitValueBytes))
			continue
		}
		taken = append(taken, val)
	}
	if len(taken) > 0 {
		now := h.cfg.Clock.Now()
		r.values.set(taken, "", now)
		if h.nodes.relay != nil {
			r.outgoing.add(taken)
		}
		h.stats.values.Add(uint64(len(taken)))
		h.sweeps.dirty(r, now)
	}
	switch {
	case len(refused) == 0:
		return nil
	case len(d.Values) == 1:
		return refused[0]
	}
	return &board.Error{
		Code: refused[0].Code, Path: "values", Cause: refused,
		Message: fmt.Sprintf("%d of %d live values were left out: %s", len(refused), len(d.Values), refused.Error()),
	}
}
