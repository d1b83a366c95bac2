package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// arrangement is what is started together.
type arrangement struct {
	replicas, nats, nodes int
	// unsynced has NATS sync its writes now and then only.
	unsynced bool
}

// servers are the processes of an arrangement.
type servers struct {
	dir     string
	nats    []*process
	nodes   []*process
	natsURL string   // all, by comma
	urls    []string // of the nodes
	lost    func()   // one of them has ended
}

var readyLine = regexp.MustCompile(`^Ready on http://localhost:(\d+)`)

// startWithin bounds the time until an arrangement serves.
const startWithin = 60 * time.Second

// with runs something on servers that are started for it and ended after it. What is run, and
// waiting for them to start, ends when one of them does: the error tells which, and what it
// said last.
func (o *options) with(ctx context.Context, a arrangement, run func(context.Context, *servers) error) (err error) {
	s := &servers{}
	ctx, s.lost = context.WithCancel(ctx)
	defer s.lost()
	if s.dir, err = os.MkdirTemp("", "dashwire-cluster-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(s.stop(), err) }()
	starting, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	monitors, err := o.startNATS(ctx, s, a)
	if err != nil {
		return err
	}
	for i := range a.nodes {
		argv := []string{
			o.server, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--data", filepath.Join(s.dir, "node"+strconv.Itoa(i)+".db"),
			"--nats", s.natsURL, "--nats-replicas", strconv.Itoa(a.replicas), "--sessions-per-user", "100000", "--drain", "0s", "--log-level", "error",
		}
		if a.unsynced {
			argv = append(argv, "--nats-unsafe")
		} else {
			argv = append(argv, "--nats-monitor", monitors)
		}
		p, port, err := start(ctx, s.lost, readyLine, argv...)
		for err != nil && pause(starting, 200*time.Millisecond) == nil { // as a service manager does while NATS elects its leaders
			p, port, err = start(ctx, s.lost, readyLine, argv...)
		}
		if err != nil {
			return err
		}
		s.nodes = append(s.nodes, p)
		s.urls = append(s.urls, "http://127.0.0.1:"+port)
	}
	for _, u := range s.urls {
		if err := awaitOK(starting, u+"/readyz"); err != nil {
			return err
		}
	}
	return run(ctx, s)
}

// startNATS starts the NATS servers and returns the addresses of their monitoring ports.
func (o *options) startNATS(ctx context.Context, s *servers, a arrangement) (string, error) {
	ports, err := freePorts(3 * a.nats)
	if err != nil {
		return "", err
	}
	var routes, urls, monitors []string
	for i := range a.nats {
		urls = append(urls, "nats://127.0.0.1:"+ports[3*i])
		monitors = append(monitors, "http://127.0.0.1:"+ports[3*i+1])
		routes = append(routes, "127.0.0.1:"+ports[3*i+2])
	}
	s.natsURL = strings.Join(urls, ",")
	for i := range a.nats {
		name := "nats" + strconv.Itoa(i+1)
		argv := []string{
			o.natsd, "-name", name, "-port", ports[3*i], "-monitor", ports[3*i+1], "-dir", filepath.Join(s.dir, name), "-log", filepath.Join(s.dir, name+".log"), "-proxied",
		}
		if a.nats > 1 {
			argv = append(argv, "-cluster", ports[3*i+2], "-routes", strings.Join(routes, ","))
		}
		if a.unsynced {
			argv = append(argv, "-unsynced")
		}
		p, _, err := start(ctx, s.lost, nil, argv...)
		if err != nil {
			return "", err
		}
		p.log = filepath.Join(s.dir, name+".log")
		s.nats = append(s.nats, p)
	}
	within, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for _, m := range monitors {
		if err := awaitOK(within, m+"/healthz"); err != nil {
			return "", err
		}
	}
	return strings.Join(monitors, ","), nil
}

// stop ends everything and removes what it stored.
func (s *servers) stop() error {
	var errs []error
	for _, p := range append(s.nodes, s.nats...) {
		errs = append(errs, p.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// freePorts are ports that nobody uses at this moment.
func freePorts(n int) ([]string, error) {
	var list []string
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		list = append(list, port)
	}
	return list, nil
}

// awaitOK waits until an address answers 200.
func awaitOK(ctx context.Context, url string) error {
	client := http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	for {
		res, err := client.Get(url)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(res.Status)
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
