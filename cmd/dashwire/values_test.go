package main

import (
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want size // -1 = refused
	}{
		{"0", 0},
		{"17", 17},
		{"17B", 17},
		{"1K", 1024},
		{"1KiB", 1024},
		{"1kb", 1000},
		{"1.5MiB", 3 << 19},
		{"4 MiB", 4 << 20},
		{"1GiB", 1 << 30},
		{"8GiB", 8 << 30},
		{"1.5TB", 15e11},
		{"2TiB", 2 << 40},
		{"1024TiB", 1 << 50},
		{"1025TiB", -1},
		{"", -1},
		{"-1", -1},
		{"MiB", -1},
		{"1PB", -1},
		{"nan", -1},
		{"1e99", -1},
	} {
		t.Run(c.text, func(t *testing.T) {
			var s size
			if err := s.UnmarshalText([]byte(c.text)); err != nil {
				s = -1
			}
			if s != c.want {
				t.Errorf("%d, want %d", s, c.want)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration // -1 = refused
	}{
		{"10s", 10 * time.Second},
		{"500ms", 500 * time.Millisecond},
		{"1h30m", 90 * time.Minute},
		{"2d", 48 * time.Hour},
		{"0.5d", 12 * time.Hour},
		{"0", 0},
		{"", -1},
		{"10", -1},
		{"-1s", -1},
		{"-1d", -1},
		{"d", -1},
		{"1000000d", -1},
	} {
		t.Run(c.text, func(t *testing.T) {
			var s span
			if err := s.UnmarshalText([]byte(c.text)); err != nil {
				s = -1
			}
			if time.Duration(s) != c.want {
				t.Errorf("%s, want %s", time.Duration(s), c.want)
			}
		})
	}
}

func TestNumbersForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"0 B": bytesText(0), "999 B": bytesText(999), "1.0 kB": bytesText(1000), "100 kB": bytesText(99_950),
		"545 kB": bytesText(544_768), "1.0 MB": bytesText(999_500), "4.2 GB": bytesText(4_200_000_000),
		"1 entry": count(1, "entry", "entries"), "0 entries": count(0, "entry", "entries"),
		"12,345 entries": count(12_345, "entry", "entries"), "999": number(999), "1,000,000": number(1_000_000), "-1,000": number(-1000),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:3000": true, "127.9.9.9:1": true, "[::1]:3000": true, "localhost:3000": true,
		":3000": false, "0.0.0.0:3000": false, "[::]:3000": false, "192.168.1.7:3000": false, "example.com:3000": false, "": false,
	} {
		if got := loopback(addr); got != want {
			t.Errorf("%q: %v", addr, got)
		}
	}
}
