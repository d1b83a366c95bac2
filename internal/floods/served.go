package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// served is what the server tells of itself: the counts of one moment.
type served struct {
	at      time.Time
	cpu     time.Duration // of the process, user and system
	metrics map[string]float64
}

// own are the server's own times of a part, which no generator has a share in.
type own struct {
	ack99, append99 time.Duration // from taking an op in to its answer; of that, the journal
	cpu             float64       // share of a core
}

// served asks a server.
func (s *server) served(ctx context.Context) (m served, err error) {
	if m.metrics, err = s.metrics(ctx); err != nil {
		return m, err
	}
	m.at = time.Now()
	m.cpu, err = s.cpu()
	return m, err
}

// since is the part between two moments.
func (m served) since(before served) own {
	return own{
		ack99:    quantile(0.99, "dashwire_ack_duration_seconds", before.metrics, m.metrics),
		append99: quantile(0.99, "dashwire_append_duration_seconds", before.metrics, m.metrics),
		cpu:      float64(m.cpu-before.cpu) / float64(m.at.Sub(before.at)),
	}
}

// tick is the unit of times in /proc (USER_HZ), the same on every Linux.
const tick = 10 * time.Millisecond

// cpu is the time that the process has run.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("the server's time: %w", err)
	}
	// The name, in brackets, may hold anything; user and system time are the 12th and
	// 13th field behind it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("the server's time is not told")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, bad := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err, bad)
}

// processor is the clock of the processor time of a process, of all its threads
// (clock_getcpuclockid(3)).
type processor int32

func processorOf(pid int) processor { return processor(^pid<<3 | 2) }

// worked is the processor time that the process has used.
func (p processor) worked() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(p), &t); err != nil {
		return 0, fmt.Errorf("the server's processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// quantile is the time that a share q of what a histogram has counted between two moments
// did not exceed, as a line through its bucket tells; 0 of none.
func quantile(q float64, histogram string, before, after map[string]float64) time.Duration {
	type bucket struct{ upTo, n float64 }
	var all []bucket
	for name, n := range after {
		if le, ok := strings.CutPrefix(name, histogram+`_bucket{le="`); ok {
			upTo := math.Inf(1)
			if le = strings.TrimSuffix(le, `"}`); le != "+Inf" {
				upTo, _ = strconv.ParseFloat(le, 64) // the server writes numbers
			}
			all = append(all, bucket{upTo, n - before[name]})
		}
	}
	slices.SortFunc(all, func(a, b bucket) int {
		if a.upTo < b.upTo {
			return -1
		}
		return 1
	})
	if len(all) == 0 || all[len(all)-1].n == 0 {
		return 0
	}
	rank := q * all[len(all)-1].n
	last := bucket{}
	for _, b := range all {
		if b.n >= rank {
			if math.IsInf(b.upTo, 1) {
				break // nothing is known beyond the last bound
			}
			share := (rank - last.n) / (b.n - last.n)
			last.upTo += share * (b.upTo - last.upTo)
			break
		}
		last = b
	}
	return time.Duration(last.upTo * float64(time.Second))
}
