package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// usage is what the server's process holds and has used.
type usage struct {
	memory    float64       // resident, in bytes
	processor time.Duration // since its start; 0 = not known
	allocated float64       // bytes since its start, given back or not; 0 = not known
}

// settledUsage lets memory settle before it reads.
func (r *run) settledUsage(ctx context.Context) (usage, error) {
	if err := wait(ctx, min(idleSettle, r.opts.Duration)); err != nil {
		return usage{}, err
	}
	return r.usage(ctx)
}

// usage asks the system, the server's metrics, or its statistics, whichever tells first.
func (r *run) usage(ctx context.Context) (u usage, err error) {
	text, noMetrics := r.request(ctx, http.MethodGet, "/metrics", nil)
	if noMetrics == nil {
		u.allocated, _ = metric(text, "go_memstats_alloc_bytes_total")
	}
	if pid := r.opts.ServerPID; pid > 0 {
		if u.memory, err = processMemory(pid); err == nil {
			u.processor, err = processTime(pid)
		}
		return u, err
	}
	if noMetrics == nil {
		memory, ok := metric(text, "process_resident_memory_bytes")
		seconds, _ := metric(text, "process_cpu_seconds_total")
		if ok {
			u.memory, u.processor = memory, time.Duration(seconds*float64(time.Second))
			return u, nil
		}
	}
	text, err = r.request(ctx, http.MethodGet, "/api/stats", nil)
	if err != nil {
		return u, fmt.Errorf("the server's memory is not known (pass its process id): %w", err)
	}
	var stats struct {
		Process struct {
			MemoryBytes float64 `json:"memoryBytes"`
		} `json:"process"`
	}
	if err := jsontext.Decode(text, &stats); err != nil {
		return u, fmt.Errorf("the server's statistics: %w", err)
	}
	return usage{memory: stats.Process.MemoryBytes}, nil
}

// metric is a number of the text format of Prometheus.
func metric(text []byte, name string) (float64, bool) {
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			return f, err == nil
		}
	}
	return 0, false
}

// processMemory is the resident memory of a process, in bytes.
func processMemory(pid int) (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the memory of process %d is not known: %w", pid, err)
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		return kb * 1024, err
	}
	return 0, fmt.Errorf("process %d tells no resident memory", pid)
}

// tick is the unit of times in /proc, which is the same on all systems that Go knows.
const tick = 10 * time.Millisecond

// processTime is the processor time of a process, in user and system mode.
func processTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("the processor time of process %d is not known: %w", pid, err)
	}
	// The second field is the command in brackets, which may hold anything (proc(5)).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d tells no processor time", pid)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// highest watches the memory of a process.
type highest struct {
	bytes   float64
	stop    chan struct{}
	watched sync.WaitGroup
	ended   atomic.Bool
}

// watchMemory reads the memory of a process again and again until end; of none, if pid
// is 0.
func watchMemory(pid int) *highest {
	h := &highest{stop: make(chan struct{})}
	if pid == 0 {
		return h
	}
	h.watched.Go(func() {
		every := time.NewTicker(10 * time.Millisecond)
		defer every.Stop()
		for {
			now, err := processMemory(pid)
			if err != nil {
				return // the server has ended, which others find out
			}
			h.bytes = max(h.bytes, now)
			select {
			case <-every.C:
			case <-h.stop:
				return
			}
		}
	})
	return h
}

// end stops watching and returns the most that there was, in bytes. It may be called
// more than once.
func (h *highest) end() float64 {
	if h.ended.CompareAndSwap(false, true) {
		close(h.stop)
	}
	h.watched.Wait()
	return h.bytes
}

// kill ends a process at once.
func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		return fmt.Errorf("killing process %d: %w", pid, err)
	}
	return nil
}

// millis is a time in milliseconds.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// micros is a time in microseconds.
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
