package ratelimit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestC8_BurstThenRate(t *testing.T) {
	table := NewTable[string](Rate{PerSecond: 10, Burst: 5}, 100)
	taken := func(key string, now time.Time) (n int) {
		for table.Take(key, now, 1) == 0 {
			n++
		}
		return n
	}
	if n := taken("a", noon); n != 5 {
		t.Errorf("%d at once, want the burst", n)
	}
	if wait := table.Take("a", noon, 1); wait != 100*time.Millisecond {
		t.Errorf("wait %s for one more", wait)
	}
	if wait := table.Take("a", noon, 3); wait != 300*time.Millisecond {
		t.Errorf("wait %s for three more: the refused one must not count", wait)
	}
	if n := taken("b", noon); n != 5 {
		t.Errorf("%d by another key", n)
	}
	if n := taken("a", noon.Add(200*time.Millisecond)); n != 2 {
		t.Errorf("%d after the time of two", n)
	}
	if n := taken("a", noon.Add(time.Hour)); n != 5 {
		t.Errorf("%d after a long pause, want the burst and no more", n)
	}
	if wait := table.Take("c", noon.Add(time.Hour), 1000); wait != 0 {
		t.Errorf("wait %s for more than a burst, want it to count as one", wait)
	}
	if wait := table.Take("c", noon.Add(time.Hour), 1); wait == 0 {
		t.Error("more than a burst took less than one")
	}
}

// A key that keeps trying is not forgotten when the generations turn.
func TestC8_TryingOnDoesNotHelp(t *testing.T) {
	table := NewTable[string](Rate{PerSecond: 1, Burst: 10}, 100)
	passed := 0
	for ms := range 60_000 {
		if table.Take("a", noon.Add(time.Duration(ms)*time.Millisecond), 1) == 0 {
			passed++
		}
	}
	if passed < 69 || passed > 70 {
		t.Errorf("%d in a minute, want the burst of 10 and 1 a second", passed)
	}
}

func TestC8_TheTableIsBounded(t *testing.T) {
	table := NewTable[int](Rate{PerSecond: 1, Burst: 1000}, 1000)
	for i := range 100_000 {
		table.Take(i, noon, 1)
		if n := table.Len(); n > 1000 {
			t.Fatalf("%d buckets after %d keys", n, i)
		}
	}
	// Nobody comes for long: what is held goes with the next one.
	table.Take(-1, noon.Add(24*time.Hour), 1)
	if n := table.Len(); n != 1 {
		t.Errorf("%d buckets after a day", n)
	}
}

func TestC8_AddressesThatCountAsOne(t *testing.T) {
	of := func(s string) Address { return AddressOf(netip.MustParseAddr(s)) }
	for _, c := range []struct {
		a, b string
		one  bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"0.0.0.1", "::1", false},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		t.Run(fmt.Sprint(c.a, " and ", c.b), func(t *testing.T) {
			if got := of(c.a) == of(c.b); got != c.one {
				t.Errorf("%x and %x", of(c.a), of(c.b))
			}
		})
	}
	for _, s := range []string{"192.0.2.1", "0.0.0.0", "::1", "::"} {
		if of(s) == 0 {
			t.Errorf("%s counts as none", s)
		}
	}
	if AddressOf(netip.Addr{}) != 0 {
		t.Error("no address counts as one")
	}
}

func BenchmarkTake(b *testing.B) {
	table := NewTable[Address](Rate{PerSecond: 1000, Burst: 1000}, 1<<16)
	b.ReportAllocs()
	for i := range b.N {
		table.Take(Address(i%1000), noon.Add(time.Duration(i)*time.Microsecond), 1)
	}
}
