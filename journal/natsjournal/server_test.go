package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// natsServer is a real NATS server in this process, which stays until the test ends. Those
// that go and come are of package natstest.
type natsServer struct{ *server.Server }

// newServer starts a server with JetStream that keeps its files in dir and syncs as
// always says, with changes to its options.
func newServer(t testing.TB, dir string, always bool, change ...func(*server.Options)) natsServer {
	t.Helper()
	opts := &server.Options{
		ServerName: filepath.Base(dir), Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT,
		JetStream: true, StoreDir: dir, SyncAlways: always, SyncInterval: time.Minute,
		MaxPayload: 8 << 20, NoSigs: true, NoLog: true, NoSystemAccount: false,
	}
	for _, f := range change {
		f(opts)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	return natsServer{s}
}

func (s natsServer) url() string     { return s.ClientURL() }
func (s natsServer) monitor() string { return "http://" + s.MonitorAddr().String() }

// until waits for something that nothing tells of.
func until(t testing.TB, what string, fn func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !fn() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// single are the options for one server.
func single() Options {
	return Options{Replicas: 1, SyncAlways: true, Logger: slog.New(slog.DiscardHandler)}
}

func mustOpen(t testing.TB, urls string, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), urls, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// of makes an append.
func of(id string, after journal.Position, records ...string) journal.Append {
	a := journal.Append{DashboardID: id, After: after, Summary: []byte(`{}`)}
	for _, r := range records {
		a.Records = append(a.Records, []byte(r))
	}
	return a
}

// settle repeats an append until it is known what became of it.
func settle(ctx context.Context, j journal.Journal, a journal.Append) error {
	for {
		_, err := j.Append(ctx, a)
		if ctx.Err() != nil || !errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrUnavailable) {
			return err
		}
	}
}

func must(t testing.TB, j journal.Journal, a journal.Append) {
	t.Helper()
	if err := settle(t.Context(), j, a); err != nil {
		t.Fatal(err)
	}
}

// wantLog fails the test unless a log holds exactly these records.
func wantLog(t testing.TB, j journal.Journal, id string, want ...string) {
	t.Helper()
	var got []string
	for r, err := range j.Read(t.Context(), id, 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(r.Data))
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("%s holds %.200q, want %.200q", id, got, want)
	}
}
