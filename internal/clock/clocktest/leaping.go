// Package clocktest has a clock whose time of day is set while a test runs, as an
// operator or NTP sets a machine's. It is for tests.
package clocktest

import (
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/dashwire/dashwire/internal/clock"
)

// Leaping is the machine's clock, in a testing/synctest bubble the bubble's, with
// another time of day. What has passed between two of its instants is not changed by
// Leap: like those of time.Now they carry a monotonic reading (package time). The zero
// value has not leapt.
type Leaping struct {
	clock.Real
	seconds atomic.Int64
}

var _ clock.Clock = (*Leaping)(nil)

// Leap sets the time of day forward, or back if d is negative, by whole seconds.
func (c *Leaping) Leap(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

// Now implements clock.Clock.
func (c *Leaping) Now() time.Time {
	t := time.Now()
	wall, monotonic := field(&t, "wall"), field(&t, "ext")
	if *wall&hasMonotonic == 0 {
		// In a bubble nothing sets the time of day, and readings do without.
		seconds := t.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		*wall, *monotonic = hasMonotonic|uint64(seconds)<<nsecShift|uint64(t.Nanosecond()), uint64(t.UnixNano())
	}
	*wall += uint64(c.seconds.Load()) << nsecShift
	return t
}

// A time.Time with a monotonic reading, which nothing but time.Now makes, has one bit that
// says so in the highest place of its first word, seconds since 1885 in the 33 below and
// nanoseconds in the rest. Its second word is the reading.
const (
	hasMonotonic = 1 << 63
	nsecShift    = 30
)

func field(t *time.Time, name string) *uint64 {
	f, ok := reflect.TypeFor[time.Time]().FieldByName(name)
	if !ok || f.Type.Size() != 8 {
		panic("clocktest: time.Time is made of other things than this was written for")
	}
	return (*uint64)(unsafe.Add(unsafe.Pointer(t), f.Offset))
}
