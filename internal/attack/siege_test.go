package attack

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/metrics"
)

// poison is what tests put into what they send where it must not come out again: not in
// the log.
const poison = "pOIsOn"

// siege is a target with honest sessions at work on it. When the test ends it checks
// that they have noticed nothing, that sessions, goroutines and memory are back where
// they were, that metrics have counted the attack, and that the log shows nothing of it
// as it was sent.
type siege struct {
	*target
	honest *honest
	scrape func() string // /metrics

	before     map[string]float64 // metrics at first
	counted    map[string]float64 // by how much some must have grown
	goroutines int
	heap       uint64 // of a server in this process
	// keeps is how many bytes the heap may have grown for good.
	keeps uint64
}

// besieged starts a server in this process.
func besieged(t *testing.T, change ...func(*dashwire.Config)) *siege {
	t.Helper()
	hooks, handler := metrics.New(metrics.Options{})
	x := &siege{counted: map[string]float64{}, keeps: 4 << 20}
	x.scrape = func() string {
		w := &text{header: http.Header{}}
		handler.ServeHTTP(w, &http.Request{Method: http.MethodGet, Header: http.Header{}})
		return w.String()
	}
	x.target = attacked(t, append(change, func(c *dashwire.Config) { c.Hooks, c.Metrics = hooks, handler })...)
	x.begin()
	return x
}

// besiegedProcess starts the command in a process of its own, with flags of serve.
func besiegedProcess(t *testing.T, flags ...string) *siege {
	t.Helper()
	p := run(t, "", append([]string{
		"--no-demo", "--admin-listen", "127.0.0.1:0", "--drain", "0s", "--log-format", "json", "--log-level", "debug",
	}, flags...)...)
	var metrics string
	for operators := regexp.MustCompile(`^Operators on (http://\S+)/api/stats`); metrics == ""; {
		select {
		case line, ok := <-p.lines:
			if m := operators.FindStringSubmatch(line); m != nil {
				metrics = m[1] + "/metrics"
			} else if !ok {
				t.Fatal("the server told no address for operators")
			}
		case <-time.After(patience):
			t.Fatal("the server told no address for operators")
		}
	}
	x := &siege{target: &target{t: t, URL: p.url, addr: p.addr, log: &recorder{}}, counted: map[string]float64{}}
	x.scrape = func() string { // also when the test's own context has ended
		res, err := client.Get(metrics)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Cleanup(func() {
		if code := p.end(syscall.SIGTERM); code != 0 {
			t.Errorf("the server ended with %d", code)
		}
		_, _ = io.WriteString(x.log, p.errs.String())
		x.checkLog()
	})
	x.begin()
	return x
}

// begin lets the honest sessions work and notes how things are.
func (x *siege) begin() {
	x.t.Helper()
	x.honest = x.beHonest()
	x.t.Cleanup(x.finish)
	x.honest.check()
	x.before = x.metrics()
	x.goroutines = x.countGoroutines()
	x.heap = heap()
}

// heap is how many bytes are alive in this process.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what pools held goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// goroutinesKept is how many more goroutines a server may have after an attack than
// before: workers that wait for work, the journal's readers.
const goroutinesKept = 24

func (x *siege) countGoroutines() int {
	if x.Server != nil {
		return runtime.NumGoroutine()
	}
	return int(x.metrics()["go_goroutines"])
}

// counts notes that a metric must have grown by that much when the test ends.
func (x *siege) counts(metric string, by int) { x.counted[metric] += float64(by) }

// refuses is counts for what is refused with a code, by a NACK or over HTTP.
func (x *siege) refuses(code string, by int) {
	x.counts(fmt.Sprintf("dashwire_refused_total{code=%q}", code), by)
}

// closes is counts for sessions that are closed with a code.
func (x *siege) closes(code, by int) {
	x.counts(fmt.Sprintf(`dashwire_sessions_closed_total{code="%d"}`, code), by)
}

// finish checks that all is as it was. The attackers' connections are closed by then.
func (x *siege) finish() {
	x.t.Helper()
	x.honest.check()
	eventually(x.t, "the sessions of the attack to end", func() bool { return x.metrics()["dashwire_sessions"] == 2 })
	eventually(x.t, fmt.Sprintf("goroutines to end, %d at first", x.goroutines), func() bool {
		return x.countGoroutines() <= x.goroutines+goroutinesKept
	})
	for name, by := range x.counted { // a session's end is counted after it has left
		var grown float64
		eventually(x.t, fmt.Sprintf("%s to grow by %v at least", name, by), func() bool {
			grown = x.metrics()[name] - x.before[name]
			return grown >= by
		})
		if grown < by {
			x.t.Errorf("%s has grown by %v", name, grown)
		}
	}
	x.honest.stop() // what the journal keeps in memory while somebody writes, it gives back then
	if x.Server != nil {
		most := x.heap + x.keeps
		var now uint64
		eventually(x.t, fmt.Sprintf("the heap to be %d KiB at most", most>>10), func() bool { now = heap(); return now <= most })
		x.t.Logf("the heap had %d KiB and has %d", x.heap>>10, now>>10)
		x.checkLog()
	}
}

// metrics are the numbers of /metrics by name and labels.
func (x *siege) metrics() map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(x.scrape()) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil && name != "#" {
			all[name] = n
		}
	}
	return all
}

// checkLog looks through what was logged: one JSON object a line, in plain characters,
// nothing as an attacker sent it, no panic.
func (x *siege) checkLog() {
	x.t.Helper()
	for line := range strings.Lines(x.log.String()) {
		line = strings.TrimSuffix(line, "\n")
		if !json.Valid([]byte(line)) || strings.Contains(line, poison) || strings.Contains(line, "panic") ||
			strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r != '…' }) {
			x.t.Errorf("the log shows %q", line)
		}
	}
}

// text is a response of which only the body counts.
type text struct {
	strings.Builder
	header http.Header
}

// Header and WriteHeader implement http.ResponseWriter.
func (w *text) Header() http.Header { return w.header }
func (w *text) WriteHeader(int)     {}
