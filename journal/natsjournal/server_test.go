package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/internal/freeport"
	"github.com/dashwire/dashwire/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// natsServer is a real NATS server in this process. Its addresses stay when it is
// stopped and started again.
type natsServer struct {
	opts *server.Options
	*server.Server
}

// newServer starts a server with JetStream that keeps its files in dir and syncs as
// always says, with changes to its options.
func newServer(t testing.TB, dir string, always bool, change ...func(*server.Options)) *natsServer {
	t.Helper()
	ports := freeport.Take(t, 2)
	s := &natsServer{opts: &server.Options{
		ServerName: filepath.Base(dir), Host: "127.0.0.1", Port: ports[0], HTTPHost: "127.0.0.1", HTTPPort: ports[1],
		JetStream: true, StoreDir: dir, SyncAlways: always, SyncInterval: time.Minute,
		MaxPayload: 8 << 20, NoSigs: true, NoLog: true, NoSystemAccount: false,
	}}
	for _, f := range change {
		f(s.opts)
	}
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *natsServer) start(t testing.TB) {
	t.Helper()
	opts := s.opts.Clone()
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	s.Server = srv
}

func (s *natsServer) stop() {
	s.Shutdown()
	s.WaitForShutdown()
}

func (s *natsServer) url() string     { return fmt.Sprintf("nats://127.0.0.1:%d", s.opts.Port) }
func (s *natsServer) monitor() string { return fmt.Sprintf("http://127.0.0.1:%d", s.opts.HTTPPort) }

// cluster is three real servers in this process.
type cluster struct{ servers []*natsServer }

func newCluster(t testing.TB) *cluster {
	t.Helper()
	dir := t.TempDir()
	ports := freeport.Take(t, 3) // members must know each other before they start
	var routes []*url.URL
	for _, p := range ports {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	c := &cluster{}
	for i, p := range ports {
		c.servers = append(c.servers, newServer(t, filepath.Join(dir, fmt.Sprintf("n%d", i)), true, func(o *server.Options) {
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: p}
			o.Routes = routes
		}))
	}
	c.waitReady(t)
	return c
}

// waitReady returns when the servers have a leader and know each other.
func (c *cluster) waitReady(t testing.TB) {
	t.Helper()
	until(t, "the cluster has a leader and three peers", func() bool {
		for _, s := range c.servers {
			if s.Running() && s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(c.servers) {
				return true
			}
		}
		return false
	})
}

func (c *cluster) urls() string {
	var list []string
	for _, s := range c.servers {
		list = append(list, s.url())
	}
	return strings.Join(list, ",")
}

func (c *cluster) monitors() []string {
	var list []string
	for _, s := range c.servers {
		list = append(list, s.monitor())
	}
	return list
}

// leaderOf is the server that leads a stream, nil if there is none now.
func (c *cluster) leaderOf(stream string) *natsServer {
	for _, s := range c.servers {
		if s.Running() && s.JetStreamIsStreamLeader("$G", stream) {
			return s
		}
	}
	return nil
}

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
