package natstest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/freeport"
)

// Cluster is servers that know each other.
type Cluster struct{ Servers []*Server }

// NewCluster starts three servers and waits until they are a cluster of JetStream. They end
// with the test.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	dir, ports := t.TempDir(), freeport.Take(t, 9)
	var routes []string
	for _, port := range ports[6:] { // members must know each other before they start
		routes = append(routes, fmt.Sprint("127.0.0.1:", port))
	}
	var servers []*Server
	for i := range 3 {
		name := fmt.Sprint("n", i)
		servers = append(servers, &Server{
			Name: name, Port: ports[i], MonitorPort: ports[3+i], Dir: filepath.Join(dir, name), cluster: ports[6+i], routes: routes,
		})
	}
	return Run(t, servers...)
}

// Run is NewCluster of servers whose settings make them one.
func Run(t testing.TB, servers ...*Server) *Cluster {
	t.Helper()
	run(t, servers...)
	c := &Cluster{servers}
	c.WaitReady(t)
	return c
}

// WaitReady returns when the servers have a leader and it sees them all.
func (c *Cluster) WaitReady(t testing.TB) {
	t.Helper()
	end := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !c.ready(t) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the NATS servers do not become a cluster")
		}
	}
}

func (c *Cluster) ready(t testing.TB) bool {
	t.Helper()
	for _, s := range c.Servers {
		var jetstream struct {
			Meta struct {
				Leader   string
				Replicas []struct{ Offline bool }
			} `json:"meta_cluster"`
		}
		if !s.Running() {
			continue
		}
		s.Ask(t, "/jsz", &jetstream)
		if jetstream.Meta.Leader != s.Name {
			continue
		}
		seen := 1
		for _, other := range jetstream.Meta.Replicas {
			if !other.Offline {
				seen++
			}
		}
		if seen == len(c.Servers) {
			return true
		}
	}
	return false
}

// LeaderOf is the server that leads a stream, nil if there is none now.
func (c *Cluster) LeaderOf(t testing.TB, stream string) *Server {
	t.Helper()
	for _, s := range c.Servers {
		var jetstream struct {
			Accounts []struct {
				Streams []struct {
					Name    string
					Cluster struct{ Leader string }
				} `json:"stream_detail"`
			} `json:"account_details"`
		}
		if !s.Running() {
			continue
		}
		s.Ask(t, "/jsz?streams=1", &jetstream)
		for _, account := range jetstream.Accounts {
			for _, one := range account.Streams {
				if one.Name == stream && one.Cluster.Leader == s.Name {
					return s
				}
			}
		}
	}
	return nil
}

// URLs are where clients connect, by comma.
func (c *Cluster) URLs() string { return strings.Join(each(c, (*Server).URL), ",") }

// Monitors are the addresses of all monitoring ports.
func (c *Cluster) Monitors() []string { return each(c, (*Server).Monitor) }

func each(c *Cluster, what func(*Server) string) []string {
	var all []string
	for _, s := range c.Servers {
		all = append(all, what(s))
	}
	return all
}
