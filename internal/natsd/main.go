// Command natsd runs one server of NATS in a process of its own, which can be killed and
// stopped like any other, for tests (package natstest starts it) and for the measurements
// of cluster. It is a process so that the race detector of a test, which never looks into
// it, judges our code alone.
//
// It says "ready" once it takes connections, and shuts down when its standard input ends:
// so it ends with whoever started it, however that ended.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// patience is how long the server may take to start, and to shut down.
const patience = time.Minute

func main() {
	if err := run(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "natsd:", err)
	os.Exit(1)
}

func run() error {
	opts, err := options()
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	if !s.ReadyForConnections(patience) {
		return fmt.Errorf("it does not start")
	}
	fmt.Println("ready")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		time.AfterFunc(patience, func() { fail(fmt.Errorf("it does not shut down")) })
		s.Shutdown()
	}()
	s.WaitForShutdown()
	return nil
}

// options are what the command line says.
func options() (*server.Options, error) {
	opts := &server.Options{JetStream: true, MaxPayload: 8 << 20}
	var config, routes string
	var unsynced, proxied bool
	flag.StringVar(&config, "config", "", "file of the settings, as operators write them, instead of all flags")
	flag.StringVar(&opts.ServerName, "name", "", "name of this server")
	flag.StringVar(&opts.Host, "host", "127.0.0.1", "address to listen on")
	flag.IntVar(&opts.Port, "port", 0, "port of clients")
	flag.IntVar(&opts.HTTPPort, "monitor", 0, "port of monitoring")
	flag.IntVar(&opts.Cluster.Port, "cluster", 0, "port of the other servers")
	flag.StringVar(&opts.StoreDir, "dir", "", "where messages are kept")
	flag.StringVar(&opts.LogFile, "log", "", "file of the log; none = standard error")
	flag.StringVar(&routes, "routes", "", "host:port of all servers, by comma; none = it stands alone")
	flag.BoolVar(&unsynced, "unsynced", false, "sync what was written now and then only, to measure memory")
	flag.BoolVar(&proxied, "proxied", false, "tell clients of no other servers, and notice broken connections sooner than by default")
	flag.Parse()
	if config != "" {
		var err error
		if opts, err = server.ProcessConfigFile(config); err != nil {
			return nil, err
		}
	} else {
		opts.HTTPHost, opts.SyncAlways = opts.Host, !unsynced
	}
	opts.NoSigs = true
	if routes != "" {
		opts.Cluster.Name, opts.Cluster.Host, opts.Cluster.NoAdvertise = "natsd", opts.Host, proxied
		for r := range strings.SplitSeq(routes, ",") {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: r})
		}
	}
	if proxied {
		opts.PingInterval, opts.MaxPingsOut = 2*time.Second, 2
		opts.Cluster.PingInterval, opts.Cluster.MaxPingsOut = 2*time.Second, 2
	}
	return opts, nil
}
