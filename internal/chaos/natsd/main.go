// Command natsd runs one server of a NATS cluster, so that it can be killed and
// stopped like any other process. It is for the tests of package chaos and for the
// measurements of cluster.
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "natsd:", err)
		os.Exit(1)
	}
}

func run() error {
	opts := &server.Options{JetStream: true, MaxPayload: 8 << 20, NoSigs: true}
	var routes string
	var unsynced bool
	flag.StringVar(&opts.ServerName, "name", "", "name of this server")
	flag.StringVar(&opts.Host, "host", "127.0.0.1", "address to listen on")
	flag.IntVar(&opts.Port, "port", 0, "port of clients")
	flag.IntVar(&opts.HTTPPort, "monitor", 0, "port of monitoring")
	flag.IntVar(&opts.Cluster.Port, "cluster", 0, "port of the other servers")
	flag.StringVar(&opts.StoreDir, "dir", "", "where messages are kept")
	flag.StringVar(&opts.LogFile, "log", "", "file of the log")
	flag.StringVar(&routes, "routes", "", "host:port of all servers, by comma; none = it stands alone")
	flag.BoolVar(&unsynced, "unsynced", false, "sync what was written now and then only, to measure memory")
	flag.Parse()
	opts.HTTPHost, opts.SyncAlways = opts.Host, !unsynced
	if routes != "" {
		// Clients are told of no other servers: they come through proxies.
		opts.Cluster.Name, opts.Cluster.Host, opts.Cluster.NoAdvertise = "chaos", opts.Host, true
		for r := range strings.SplitSeq(routes, ",") {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: r})
		}
	}
	// Broken connections are noticed sooner than by default.
	opts.PingInterval, opts.MaxPingsOut = 2*time.Second, 2
	opts.Cluster.PingInterval, opts.Cluster.MaxPingsOut = 2*time.Second, 2
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return fmt.Errorf("it does not start")
	}
	s.WaitForShutdown()
	return nil
}
