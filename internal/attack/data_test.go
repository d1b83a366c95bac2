package attack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth/jwtauth"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// fullDisk is a journal that stores nothing while the disk is full.
type fullDisk struct {
	journal.Journal
	full atomic.Bool
}

func (f *fullDisk) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	if f.full.Load() {
		return "", fmt.Errorf("writing: %w: %w", journal.ErrUnavailable, syscall.ENOSPC)
	}
	return f.Journal.Append(ctx, a)
}

// TestAttack_65_DiskFull: while nothing can be stored, nothing is acknowledged and
// nobody sees what is not there; reading goes on, and writing comes back by itself.
func TestAttack_65_DiskFull(t *testing.T) {
	disk := &fullDisk{}
	x := attacked(t, func(c *dashwire.Config) { disk.Journal, c.Journal = c.Journal, disk })
	x.create("ops", "")
	s := x.signIn(token(t, "ana", "*=owner"), "tab")
	s.sync("ops").is(t, "SYNC_RESPONSE")
	reader := x.signIn(token(t, "bo", "*=viewer"), "reader")
	reader.sync("ops").is(t, "SYNC_RESPONSE")

	disk.full.Store(true)
	s.ask("WIDGET_UPDATE", rename("ops", "lost")).nack(t, "an op", "UNAVAILABLE")
	x.call("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"lost"}`, bearer(token(t, "ana", "*=owner"))).
		refused(t, "a request", http.StatusServiceUnavailable, "UNAVAILABLE")
	x.call("POST", "/api/dashboards", `{"id":"new"}`, bearer(token(t, "ana", "*=owner"))).refused(t, "creating", http.StatusServiceUnavailable, "UNAVAILABLE")
	if doc := x.must(http.StatusOK, "GET", "/api/dashboards/ops", "", bearer(token(t, "bo", "*=viewer"))).body; strings.Contains(doc, "lost") {
		t.Errorf("shown, and not stored: %s", doc)
	}
	s.ask("WIDGET_DATA", `{"dashboardId":"ops","values":{"none":{"data":1}}}`).nack(t, "a value for nothing", "NOT_FOUND")

	disk.full.Store(false)
	s.ask("WIDGET_UPDATE", rename("ops", "kept")).is(t, "ACK")
	m := reader.until("the next entry", func(m *message) bool { return m.Type == "WIDGET_UPDATE" })
	if !strings.Contains(m.raw, "kept") || !strings.Contains(m.raw, `"version":2`) {
		t.Errorf("the first that a reader hears: %s", m.raw)
	}
	x.healthy()
}

// TestAttack_68_ClocksThatJump: a clock that is years off, forward or back, changes
// nothing for who is connected and nothing about the order; tokens go by it.
func TestAttack_68_ClocksThatJump(t *testing.T) {
	clock := newHand()
	x := attacked(t, func(c *dashwire.Config) {
		c.Authenticator = door(t, jwtauth.Config{SecretFiles: []string{file(t, "secret", secret)}, Now: clock.now})
	})
	x.create("ops", "")
	good := token(t, "ana", "*=owner")
	s := x.signIn(good, "tab")
	s.sync("ops").is(t, "SYNC_RESPONSE")
	version := uint64(1)
	for _, jump := range []time.Duration{10 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour, 10*365*24*time.Hour - time.Hour, time.Hour} {
		clock.move(jump)
		version++
		var ack struct{ Version uint64 }
		s.send(fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"jump-%d","timestamp":"1970-01-01T00:00:00.000Z","age":9007199254740991,"payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"%[1]d"}}}`, version))
		s.until("the answer", func(m *message) bool { return m.CorrelationID == fmt.Sprintf("jump-%d", version) }).is(t, "ACK").in(t, &ack)
		if ack.Version != version {
			t.Errorf("after %s: version %d, want %d", jump, ack.Version, version)
		}
		switch off := clock.now().Sub(clock.noon); {
		case off > time.Hour:
			x.keptOut("a token that has ended by the clock", good)
		case off == 0:
			x.letIn("a token that is good by the clock", good)
		}
	}
}

// TestAttack_69_BitsThatFlip: whatever byte of the data file is another one, or missing,
// the server shows each dashboard as it was or not at all, and never something else.
func TestAttack_69_BitsThatFlip(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dashwire.db")
	owner := bearer(token(t, "ana", "*=owner"))
	const boards = 4
	id := func(i int) string { return fmt.Sprintf("d%d", i) }

	// serveFile runs a server over a file for as long as use takes; err is why it cannot.
	serveFile := func(path string, use func(url string)) (err error) {
		j, err := sqlitejournal.Open(path, sqlitejournal.Options{Logger: (&recorder{}).logger()})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.Close()) }()
		srv, err := dashwire.New(dashwire.Config{
			Journal: j, Log: (&recorder{}).logger(), Drain: -1,
			Authenticator: door(t, jwtauth.Config{SecretFiles: []string{file(t, "secret", secret)}}),
		})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- srv.Run(ctx) }()
		front := httptest.NewServer(srv)
		use(front.URL)
		cancel()
		err = <-ran
		front.Close()
		return err
	}
	documents := make([]string, boards)
	if err := serveFile(path, func(url string) {
		for i := range boards {
			if a := call(t, "POST", url+"/api/dashboards", fmt.Sprintf(`{"id":%q}`, id(i)), owner); a.status != http.StatusCreated {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for n := range 20 {
				a := call(t, "PUT", fmt.Sprintf("%s/api/dashboards/%s/widgets/w%d", url, id(i), n%5), fmt.Sprintf(`{"title":"title %d of %d","note":%q}`, n, i, strings.Repeat("note ", 40)), owner)
				if a.status != http.StatusOK {
					t.Fatalf("%d %s", a.status, a.body)
				}
			}
			documents[i] = call(t, "GET", url+"/api/dashboards/"+id(i), "", owner).body
		}
	}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(69, 69))
	started, shown, hidden := 0, 0, 0
	for n := range 60 {
		bad := slices.Clone(whole)
		switch at := random.IntN(len(bad)); n % 4 {
		case 0, 1:
			bad[at] ^= 1 << random.IntN(8)
		case 2: // a page of zeros
			at -= at % 4096
			clear(bad[at:min(at+4096, len(bad))])
		case 3:
			bad = bad[:at]
		}
		path := filepath.Join(t.TempDir(), "dashwire.db")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		err := serveFile(path, func(url string) {
			started++
			for i := range boards {
				switch a := call(t, "GET", url+"/api/dashboards/"+id(i), "", owner); {
				case a.status == http.StatusOK && a.body == documents[i]:
					shown++
				case a.status == http.StatusServiceUnavailable && a.code() == "UNAVAILABLE":
					hidden++
				default:
					t.Errorf("damage %d: %s is shown as %d %.300s", n, id(i), a.status, a.body)
				}
			}
		})
		if err != nil {
			t.Logf("damage %d: %v", n, err)
		}
	}
	t.Logf("of 60 damaged files %d could be served: %d dashboards as they were, %d not at all", started, shown, hidden)
	if started == 0 || shown == 0 {
		t.Error("nothing could be served of any of them, which is too little")
	}
}

// TestAttack_207_FilesOfOthers: what the server writes is for its own user alone.
func TestAttack_207_FilesOfOthers(t *testing.T) {
	p := run(t, "")
	if a := call(t, "POST", p.url+"/api/dashboards", `{"id":"ops"}`, bearer(token(t, "ana", "*=owner"))); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 4 { // the data file, what belongs to it, and the secret
		t.Errorf("only %v was written", list)
	}
	for _, f := range list {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be opened by others: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// TestAttack_66_NoDescriptorsLeft: connections that say nothing take all descriptors.
// Who is connected is served on, and others come in as soon as there is room.
func TestAttack_66_NoDescriptorsLeft(t *testing.T) {
	p := runWithin(t, "ulimit -n 64", "", "--no-demo", "--drain", "100ms")
	auth := bearer(token(t, "ana", "*=owner"))
	if a := call(t, "POST", p.url+"/api/dashboards", `{"id":"ops","document":{"settings":{},"widgets":{"cpu":{}},"layouts":{}}}`, auth); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s, refused := upgrade(t, p.addr, auth)
	if refused != nil {
		t.Fatalf("%d %s", refused.status, refused.body)
	}
	s.sync("ops").is(t, "SYNC_RESPONSE")
	var idle []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", p.addr) // the system takes them, the server cannot
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	for i := range 50 {
		s.ask("WIDGET_UPDATE", rename("ops", fmt.Sprint(i))).is(t, "ACK")
		s.ask("PING", `{}`).is(t, "PONG")
	}
	for _, conn := range idle {
		conn.Close()
	}
	if a := call(t, "GET", p.url+"/api/dashboards/ops", "", auth); a.status != http.StatusOK || !strings.Contains(a.body, `"title":"49"`) {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("the server ended with %d:\n%s", code, p.errs.String())
	}
}
