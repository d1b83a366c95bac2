package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/words"
)

// size is a number of bytes, written as 4MiB, 500KB or 1048576; up to maxSize.
type size int64

// maxSize is more than any machine has, and exact as a float64.
const maxSize = 1 << 50

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"K", 1 << 10},
	{"M", 1 << 20},
	{"G", 1 << 30},
	{"T", 1 << 40},
	{"B", 1},
	{"", 1},
}

// UnmarshalText reads a size.
func (s *size) UnmarshalText(text []byte) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(strings.ToLower(string(text)), strings.ToLower(u.name))
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n < 0 || n*u.bytes > maxSize || math.IsNaN(n) {
			break
		}
		*s = size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is no size; write it like 4MiB or 500KB, up to 1024TiB", text)
}

// span is a time, written as 10s, 500ms, 2h or 30d.
type span time.Duration

// UnmarshalText reads a time that is not negative.
func (s *span) UnmarshalText(text []byte) error {
	wrong := fmt.Errorf("%q is no time; write it like 10s, 500ms, 2h or 30d", text)
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n < 0 || n > 36_500 {
			return wrong
		}
		*s = span(n * 24 * float64(time.Hour))
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return wrong
	}
	*s = span(d)
	return nil
}

// bytesText writes a number of bytes for people, with three digits or so.
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n)/1000, "kMGTPE"
	i := 0
	for f >= 999.5 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if f >= 99.95 {
		return fmt.Sprintf("%.0f %cB", f, units[i])
	}
	return fmt.Sprintf("%.1f %cB", f, units[i])
}

// count writes a number with its noun: "1 entry", "12,345 entries".
func count[N ~int | ~int64 | ~uint64](n N, one, many string) string { return words.Count(n, one, many) }

// number writes a number with commas.
func number[N ~int | ~int64 | ~uint64](n N) string { return words.Number(n) }
