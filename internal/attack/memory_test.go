package attack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// memoryGroup makes a control group that may use so many bytes. It returns what a shell does
// to enter it, and how often the kernel has killed a process of it; "" where this
// machine lets nobody make one.
func memoryGroup(t *testing.T, limit int) (enter string, killed func() string) {
	t.Helper()
	own, _ := os.ReadFile("/proc/self/cgroup") // where there is none, there are no groups
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		root, file, events := "/sys/fs/cgroup", "memory.max", "memory.events"
		switch {
		case len(parts) < 3:
			continue
		case strings.Contains(","+parts[1]+",", ",memory,"):
			root, file, events = "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"
		case parts[1] != "":
			continue
		}
		dir := filepath.Join(root, parts[2], fmt.Sprintf("dashwire-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() {
			eventually(t, "the control group to be empty", func() bool { return os.Remove(dir) == nil })
		})
		if os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(limit)), 0o600) != nil {
			continue
		}
		return "echo $$ > " + filepath.Join(dir, "cgroup.procs"), func() string {
			text, err := os.ReadFile(filepath.Join(dir, events))
			if err != nil {
				t.Fatal(err)
			}
			return regexp.MustCompile(`(?m)^oom_kill (\d+)$`).FindStringSubmatch(string(text))[1]
		}
	}
	return "", func() string { return "0" }
}

// ownMemory is what a process holds beside files, in bytes.
func (p *process) ownMemory() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^RssAnon:\s+(\d+) kB$`).FindSubmatch(status)
	if m == nil {
		p.t.Fatal("the server has ended")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		p.t.Fatal(err)
	}
	return n << 10
}

// TestAttack_67_MemoryLimit: people who are signed in write, follow and begin far more than
// the server has memory for. It refuses, and is not killed; who was there before is served
// on. In a control group where one can be made, else by the setting, to the same measure.
func TestAttack_67_MemoryLimit(t *testing.T) {
	const limit = 128 << 20
	enter, killed := memoryGroup(t, limit)
	flags := []string{"--no-demo", "--drain", "0s"}
	if enter == "" {
		t.Log("no control group can be made here: the limit is the setting's")
		flags = append(flags, "--memory-limit", "64MiB")
	}
	p := runWithin(t, enter, "", flags...)
	x := &target{t: t, URL: p.url, addr: p.addr, log: &recorder{}}
	honest := x.signIn(token(t, "ana", "ana=owner"), "tab")
	edits := 0
	edit := func() {
		t.Helper()
		id := fmt.Sprint("edit-", edits)
		honest.send(fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":"ana","widgetId":"w","create":%t,"set":{"/config/n":%d}}}`, id, edits == 0, edits))
		honest.reply(id).is(t, "ACK")
		edits++
	}
	edit()
	if m := honest.ask("SYNC_REQUEST", `{"dashboardId":"ana"}`); m.Type != "SYNC_RESPONSE" {
		t.Fatalf("subscribing was answered %s", m.raw)
	}

	// Each writes three dashboards of 3 MiB, follows them, and begins a message.
	const attackers, dashboards, widgets = 12, 3, 6
	text := strings.Repeat("x", 500<<10)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var mu sync.Mutex
	refusals := map[string]int{}
	refused := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		refusals[what]++
	}
	siege := func(n int) {
		user := fmt.Sprint("mallory-", n)
		who := token(t, user, user+"*=owner")
		for try := 0; ctx.Err() == nil && try < 2; try++ {
			s, no := upgrade(t, x.addr, bearer(who))
			if no != nil {
				refused(fmt.Sprint("connecting: ", no.status))
				if no.status != http.StatusServiceUnavailable || no.header.Get("Retry-After") == "" {
					t.Errorf("connecting got %d %s", no.status, no.body)
				}
				continue
			}
			defer s.conn.Close() // at the end of the siege: what its sessions follow is theirs until then
			_ = s.conn.SetDeadline(time.Now().Add(patience))
			answers := 0
			for d := range dashboards { // what could not be written, reading tells
				for w := range widgets {
					_ = s.write(opText, fmt.Appendf(nil, `{"type":"WIDGET_UPDATE","id":"%d-%d-%d","payload":{"dashboardId":"%s-%d","widgetId":"w%d","create":true,"set":{"/config/text":%q}}}`,
						try, d, w, user, d, w, text))
				}
				_ = s.write(opText, fmt.Appendf(nil, `{"type":"SYNC_REQUEST","id":"sync-%d","payload":{"dashboardId":"%s-%d"}}`, d, user, d))
			}
			for answers < dashboards*(widgets+1) {
				m, err := s.read()
				if err != nil {
					if end := (ended{}); errors.As(err, &end) {
						refused(err.Error())
					} else {
						refused("the connection broke") // it was closed while this end was writing
					}
					break
				}
				if m.CorrelationID != "" {
					answers++
				}
				if m.Type == "NACK" {
					refused("NACK " + m.code())
				}
			}
			s.raw(append(head(fin|opText, 1<<20-1), text...))
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for n := range attackers {
			wg.Go(func() { siege(n) })
		}
		wg.Wait()
	}()
	most := 0
	defer func() {
		if t.Failed() {
			t.Logf("%d MiB of its own at most, %s killed; it said: %s", most>>20, killed(), p.errs.String())
		}
	}()
	for going, look := true, time.NewTicker(20*time.Millisecond); going; {
		select {
		case <-look.C:
			most = max(most, p.ownMemory())
			edit()
		case <-done:
			going = false
			look.Stop()
		}
	}
	t.Logf("%d MiB of its own at most; %d edits meanwhile; refused: %v", most>>20, edits, refusals)
	if most > limit {
		t.Errorf("the server had %d MiB of its own", most>>20)
	}
	if n := killed(); n != "0" {
		t.Errorf("the kernel has killed %s processes", n)
	}
	for what := range refusals {
		switch what {
		case "connecting: 503", "NACK UNAVAILABLE", "closed with 1013", "the connection broke", "NACK EXISTS": // the last: from the first try
		default:
			t.Errorf("refused by %s", what)
		}
	}
	if refusals["connecting: 503"]+refusals["NACK UNAVAILABLE"]+refusals["closed with 1013"] == 0 {
		t.Error("nothing was refused")
	}
	edit()
	cancel()
	eventually(t, "new sessions to be taken again", func() bool {
		s, no := upgrade(t, x.addr, bearer(token(t, "bo", "bo=owner")))
		if no == nil {
			s.conn.Close()
		}
		return no == nil
	})
	honest.lives()
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
}
