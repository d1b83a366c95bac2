//go:build faults && linux

package sqlitejournal

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	syscallStart = regexp.MustCompile(`^(\d+) +[0-9:.]+ (\w+)\((\w+)(.*)$`)
	syscallEnd   = regexp.MustCompile(`^(\d+) +[0-9:.]+ <\.\.\. (\w+) resumed>(.*)= (-?\d+)`)
	returned     = regexp.MustCompile(`(.*)\) += (-?\d+)`)
	syncOf       = regexp.MustCompile(`aio_lio_opcode=IOCB_CMD_FDSYNC.* aio_fildes=(\d+)`)
	recordToken  = regexp.MustCompile(`<d\d+/\d+>`)
)

// A1: strace sees each record durable before its append returns: its write has returned, and then
// either the file was opened with O_DSYNC, or a sync of that file has begun after it and its
// result was fetched, and is 0. Where asynchronous syncs are not allowed, the journal does without them.
func TestA1_FaultNothingIsAcknowledgedBeforeItIsDurable(t *testing.T) {
	need(t, "strace")
	for name, inject := range map[string][]string{
		"asynchronous": {}, "not allowed": {"-e", "inject=io_setup:error=EPERM"}, "not there": {"-e", "inject=io_setup,io_submit:error=ENOSYS"},
		"no place": {"-e", "inject=io_submit:error=EAGAIN:when=3+2"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			trace := filepath.Join(dir, "trace")
			path := filepath.Join(dir, "test.db")
			under := append([]string{"strace", "-f", "-tt", "-s", "10000", "-o", trace, "-e", "trace=openat,pwrite64,write,fsync,io_setup,io_submit,io_getevents"}, inject...)
			c := startChild(t, path, 100, under...)
			if err := c.end(); err != nil {
				t.Fatalf("%v\n%s", err, c.stderr.String())
			}
			c.verify(t, path, c.all())
			f, err := os.Open(trace)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			d := &durability{open: map[string]call{}, written: map[string][]string{}, under: map[string]underway{}, dsync: map[string]bool{}, segment: map[string]bool{}, synced: map[string]bool{}}
			s := bufio.NewScanner(f)
			s.Buffer(nil, 1<<20)
			for s.Scan() {
				d.line(t, s.Text())
			}
			if err := s.Err(); err != nil {
				t.Fatal(err)
			}
			if d.acks != 100*childLogs || d.syncs == 0 || d.syncs >= d.acks {
				t.Errorf("saw %d acknowledged appends and %d durable writes, want %d and fewer", d.acks, d.syncs, 100*childLogs)
			}
			if async := d.results > 0; async != (name == "asynchronous" || name == "no place") {
				t.Errorf("%d of the syncs were asynchronous", d.results)
			}
			t.Logf("%d appends, %d durable writes, %d of them asynchronous: each acknowledged after its own", d.acks, d.syncs, d.results)
		})
	}
}

// durability follows a trace: which records are on the disk, as far as the kernel has said.
type durability struct {
	open    map[string]call     // by thread
	segment map[string]bool     // descriptors of the commit log
	dsync   map[string]bool     // those whose writes are durable
	written map[string][]string // records by descriptor, not durable yet
	under   map[string]underway // syncs, by AIO context
	synced  map[string]bool     // records

	acks, syncs, results int
}

// call is one that has begun.
type call struct {
	name, first, rest string
	records           []string // that were written to the file when it began
}

// underway is a sync that has begun.
type underway struct {
	fd      string
	records []string
}

func (d *durability) line(t *testing.T, line string) {
	if m := syscallEnd.FindStringSubmatch(line); m != nil {
		d.returned(d.open[m[1]], m[3], m[4])
		delete(d.open, m[1])
		return
	}
	m := syscallStart.FindStringSubmatch(line)
	if m == nil {
		return
	}
	c := call{name: m[2], first: m[3], rest: m[4]}
	switch c.name {
	case "write":
		if c.first == "1" && strings.Contains(c.rest, "ack <") {
			for _, token := range recordToken.FindAllString(c.rest, -1) {
				if !d.synced[token] {
					t.Fatalf("%s was acknowledged before it was durable: %.200s", token, line)
				}
				d.acks++
			}
		}
	case "fsync":
		c.records = d.written[c.first]
	case "io_submit":
		if fd := syncOf.FindStringSubmatch(c.rest); fd != nil {
			c.records = d.written[fd[1]]
		}
	}
	if strings.HasSuffix(c.rest, "<unfinished ...>") {
		d.open[m[1]] = c
		return
	}
	if end := returned.FindStringSubmatch(c.rest); end != nil {
		d.returned(c, end[1], end[2])
	}
}

// returned takes note of a call that has returned something; end is what strace shows of its
// arguments then.
func (d *durability) returned(c call, end, result string) {
	if strings.HasPrefix(result, "-") {
		return
	}
	switch c.name {
	case "openat":
		d.segment[result] = strings.Contains(c.rest, "-log/")
		d.dsync[result] = strings.Contains(c.rest, "O_DSYNC")
		delete(d.written, result)
	case "pwrite64":
		if !d.segment[c.first] {
			return
		}
		if tokens := recordToken.FindAllString(c.rest, -1); d.dsync[c.first] {
			d.durable(tokens)
		} else {
			d.written[c.first] = append(d.written[c.first], tokens...)
		}
	case "fsync":
		if d.segment[c.first] {
			d.durable(c.records)
		}
	case "io_submit":
		if fd := syncOf.FindStringSubmatch(c.rest); fd != nil && result == "1" {
			d.under[c.first] = underway{fd[1], c.records}
		}
	case "io_getevents":
		if result == "1" && strings.Contains(end, " res=0,") {
			if u := d.under[c.first]; d.segment[u.fd] {
				d.results++
				d.durable(u.records)
			}
			delete(d.under, c.first)
		}
	}
}

func (d *durability) durable(records []string) {
	if len(records) > 0 {
		d.syncs++
	}
	for _, r := range records {
		d.synced[r] = true
	}
}
