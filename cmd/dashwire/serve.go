package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/page"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/metrics"
	"github.com/dashwire/dashwire/observe"
)

// serveCmd are the settings of the server.
type serveCmd struct {
	Listen      string   `default:"127.0.0.1:3000" help:"address and port to listen on"`
	Data        string   `default:"./dashwire.db" help:"the file that holds all dashboards"`
	Demo        *bool    `negatable:"" help:"keep a live dashboard of this machine (default on loopback)"`
	Insecure    bool     `help:"let other machines in although there is no sign-in"`
	AdminListen string   `placeholder:"ADDR" help:"a listener for operators: /metrics, /api/stats, /api/admin"`
	AllowOrigin []string `placeholder:"ORIGIN,…" help:"other sites whose pages may connect: https://app.example.com"`
	TrustProxy  []string `placeholder:"CIDR,…" help:"proxies whose X-Forwarded-* headers are believed"`
	logFlags

	signInFlags
	rightsFlags
	tlsFlags
	limitFlags
	auditFlags
	webhookFlags
	natsFlags

	MaxSessions       int  `group:"sessions" placeholder:"N" help:"sessions at once (default by the descriptor limit)"`
	SessionsPerUser   int  `group:"sessions" default:"50" help:"sessions of one user at once"`
	MessagesPerSecond int  `group:"sessions" default:"1000" help:"messages a second from one session"`
	MessageBurst      int  `hidden:"" default:"2000" help:"messages at once from one session"`
	BytesPerSecond    size `group:"sessions" default:"4MiB" help:"bytes a second from one session"`
	Heartbeat         span `group:"sessions" default:"25s" help:"silence after which a client is pinged"`
	HeartbeatTimeout  span `group:"sessions" default:"10s" help:"time that it then has to answer"`
	Drain             span `group:"sessions" default:"10s" help:"time over which sessions leave at the end"`

	MaxMessage    size `group:"limits" default:"1MiB" help:"size of a message"`
	MaxDocument   size `group:"limits" default:"4MiB" help:"size of a dashboard"`
	MaxWidgets    int  `group:"limits" default:"2000" help:"widgets on a dashboard"`
	MaxOperations int  `group:"limits" default:"500" help:"operations in a batch"`
	MaxDashboards int  `group:"limits" default:"100" help:"dashboards that a session follows"`

	AutoWindow  span   `group:"history" default:"5s" help:"clashes closer than this: the later edit wins"`
	Window      uint64 `group:"history" default:"10000" help:"versions over which retries and old edits are exact"`
	KeepEntries int    `group:"history" placeholder:"N" help:"history kept of each dashboard (default all)"`
	KeepAge     span   `group:"history" placeholder:"TIME" help:"age to which history is kept (default for ever)"`
}

// Help implements kong.HelpProvider: what the command does, and an example.
func (serveCmd) Help() string {
	return `Runs the server. Each flag is also a variable (DASHWIRE_LISTEN) and a key of the
--config file (listen: …). Ctrl-C lets sessions finish; again stops at once.

dashwire serve --listen 127.0.0.1:8080 --data /var/lib/dashwire/dashwire.db`
}

// Run implements the command.
func (c *serveCmd) Run(p *program, cmd *kong.Context) error {
	if err := c.sane(); err != nil {
		return err
	}
	log := c.logger(p.err)
	addr, err := c.address()
	if err != nil {
		return err
	}
	files := newReloader(log)
	doors, err := c.doors(files, log)
	if err != nil {
		return err
	}
	carrier, err := c.transport(files, log)
	if err != nil {
		return err
	}
	rights, err := c.rights(c.signInOn(), files, log)
	if err != nil {
		return err
	}
	if rights != nil {
		defer rights.Close()
	}
	if c.Window > board.DefaultWindow && (c.KeepEntries > 0 || c.KeepAge > 0) {
		return refuse("--window %d needs more history than --keep-entries and --keep-age leave: "+
			"leave those out, or the window at %d", c.Window, board.DefaultWindow)
	}
	proxies, err := networks(c.TrustProxy)
	if err != nil {
		return err
	}
	room, err := roomFor(c.MaxSessions)
	if err != nil {
		return err
	}
	c.setMemoryLimit(log)
	listener, err := listen("--listen", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	var operators net.Listener
	if c.AdminListen != "" {
		if err := hasPort("--admin-listen", c.AdminListen); err != nil {
			return err
		}
		if !loopback(c.AdminListen) && !c.Insecure {
			return refuse("--admin-listen %s: other machines could reach it, and operators are not asked to sign in; "+
				"listen on 127.0.0.1, or pass --insecure if you trust the whole network", c.AdminListen)
		}
		if c.AdminListen == addr && !strings.HasSuffix(addr, ":0") {
			return refuse("--admin-listen and --listen name one address, %s: give operators another port", addr)
		}
		if operators, err = listen("--admin-listen", c.AdminListen); err != nil {
			return err
		}
		defer operators.Close()
	}
	var plain net.Listener
	if c.Redirect != "" {
		if plain, err = listen("--redirect-listen", c.Redirect); err != nil {
			return err
		}
		defer plain.Close()
	}
	j, err := c.openStore(p.ctx, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := j.close(); err != nil {
			log.Error("closing the journal", "err", err)
		}
	}()

	shareTheCore(j.background)
	acts, err := c.auditFlags.open(c.Data, log)
	if err != nil {
		return err
	}
	if acts != nil {
		defer acts.Close()
		if err := acts.Record(p.ctx, started(cmd)); err != nil {
			return &notBegun{err}
		}
		defer func() { acts.Note(observe.Action{Name: "server.stopped"}) }()
	}

	var demo *demo
	var serving atomic.Pointer[dashwire.Server]
	hooks, scrape := metrics.New(metrics.Options{Numbers: func() []metrics.Number {
		all := append(j.numbers(), rightsNumbers(rights)...)
		if srv := serving.Load(); srv != nil {
			states, err := srv.Webhooks(p.now) // also while the server drains
			if err != nil {
				log.Warn("the numbers of webhooks cannot be read", "err", err)
			}
			all = append(all, webhookNumbers(states, time.Now())...)
		}
		return all
	}})
	if c.demoOn(addr) {
		demo = newDemo(log)
		hooks = observe.Join(hooks, demo.hooks())
	}
	listener = c.limitFlags.guard(listener, room.connections, proxies, hooks)
	cfg := c.config(j.Journal, hooks, scrape, proxies, room, log)
	cfg.Relay = j.relay
	cfg.AuthCookie = c.AuthCookie
	c.limitFlags.put(&cfg)
	cfg.Audit = acts
	closeDoors, err := doors.open(p.ctx, c.Data, &cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err := closeDoors(); err != nil {
			log.Error("closing the store of revocations", "err", err)
		}
	}()
	if rights != nil { // an interface that holds a nil pointer is not nil
		cfg.Authorizer = rights
	}
	closeWebhooks, err := c.webhookFlags.open(p.ctx, c.Data, &cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err := closeWebhooks(); err != nil {
			log.Error("closing the store of webhooks", "err", err)
		}
	}()
	srv, err := dashwire.New(cfg)
	if err != nil {
		return &notBegun{errors.New(inFlags.Replace(err.Error()))}
	}
	serving.Store(srv)
	if demo != nil {
		if err := demo.create(p.ctx, srv, j); err != nil {
			log.Warn("there is no demo dashboard", "err", err)
			demo = nil
		}
	}
	fmt.Fprint(p.out, c.greeting(listener.Addr(), operators, room, j.place, describe(p.ctx, j)))
	if n := len(cfg.Webhooks.Targets); n > 0 {
		fmt.Fprintf(p.out, "Webhooks to %s\n", count(n, "target", "targets"))
	}
	return c.serve(p, srv, demo, ports{listener, operators, plain, carrier}, files, log)
}

// ports are where the server can be reached; operators and plain may be nil.
type ports struct {
	main, operators, plain net.Listener
	transport              transport // of main
}

// inFlags puts what dashwire.New says into the words of the command.
var inFlags = strings.NewReplacer("dashwire.New: ", "", "Config.AllowedOrigins", "--allow-origin")

// config is what package dashwire gets.
func (c *serveCmd) config(j journal.Journal, hooks observe.Hooks, scrape http.Handler, proxies []netip.Prefix, room capacity, log *slog.Logger) dashwire.Config {
	drain := time.Duration(c.Drain)
	if drain == 0 {
		drain = -1
	}
	return dashwire.Config{
		Journal: j, Insecure: c.Insecure, AllowedOrigins: c.AllowOrigin, TrustedProxies: proxies,
		Limits: dashwire.Limits{
			MessageBytes: int(c.MaxMessage), DocumentBytes: int(c.MaxDocument), Widgets: c.MaxWidgets,
			Operations: c.MaxOperations, Dashboards: c.MaxDashboards,
		},
		Window: c.Window, AutoWindow: time.Duration(c.AutoWindow),
		MaxSessions: room.sessions, SessionsPerUser: c.SessionsPerUser,
		MessagesPerSecond: c.MessagesPerSecond, MessageBurst: c.MessageBurst, BytesPerSecond: int(c.BytesPerSecond),
		HeartbeatEvery: time.Duration(c.Heartbeat), HeartbeatTimeout: time.Duration(c.HeartbeatTimeout), Drain: drain,
		Hooks: hooks, Log: log, Pages: page.Handler(), Metrics: scrape,
	}
}

// serve runs until the first signal, drains, and returns after everything has ended.
func (c *serveCmd) serve(p *program, srv *dashwire.Server, demo *demo, on ports, files *reloader, log *slog.Logger) error {
	ctx, end := context.WithCancel(p.ctx)
	defer end()
	failed := make(chan error, 3)
	var servers []*http.Server
	open := func(ln net.Listener, h http.Handler, by *tls.Config) {
		s := newServer(h)
		if by != nil {
			overTLS(s, by)
		}
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
		servers = append(servers, s)
		if by == nil && ln == on.main {
			ln = srv.Front(ln, s)
		}
		go func() {
			if by != nil {
				failed <- s.ServeTLS(ln, "", "")
			} else {
				failed <- s.Serve(ln)
			}
		}()
	}
	open(on.main, c.hsts(srv), on.transport.tls)
	if on.operators != nil {
		open(on.operators, srv.Admin(), nil)
	}
	if on.plain != nil {
		open(on.plain, on.transport.plain(on.main.Addr()), nil)
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		files.run(ctx)
	}()
	given := make(chan struct{})
	go func() {
		defer close(given)
		new(giver).run(ctx)
	}()
	demoEnded := make(chan struct{})
	go func() {
		defer close(demoEnded)
		if demo != nil {
			demo.run(ctx, srv)
		}
	}()
	drained := make(chan error, 1)
	go func() { drained <- srv.RunUntil(ctx, p.now) }()

	var err error
	ended := 0
	select {
	case <-p.ctx.Done():
		fmt.Fprintln(p.out, c.farewell(srv.Stats().Sessions.Sessions))
	case err = <-failed:
		ended++
	}
	end()
	err = errors.Join(err, <-drained)
	<-demoEnded
	<-looked
	<-given
	closing, cancel := context.WithTimeout(p.now, time.Second)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(closing) != nil {
			s.Close() // what is left are requests that nobody finishes
		}
	}
	for ; ended < len(servers); ended++ {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	if err == nil {
		fmt.Fprintln(p.out, "Stopped.")
	}
	return err
}

// demoOn tells whether the demo dashboard is kept: by default where it can be seen
// by nobody but the one who started the server, which sign-in is not for.
func (c *serveCmd) demoOn(addr string) bool {
	if c.Demo != nil {
		return *c.Demo
	}
	return loopback(addr) && !c.signInOn() && len(c.Nats) == 0
}

// greeting is what a person sees at the start.
func (c *serveCmd) greeting(addr net.Addr, operators net.Listener, room capacity, place, holds string) string {
	var b strings.Builder
	at := visible(addr)
	fmt.Fprintf(&b, "Ready on %s://%s\n", c.scheme(), at)
	fmt.Fprintf(&b, "WebSocket on ws%s://%s/api/realtime\n", strings.TrimPrefix(c.scheme(), "http"), at)
	if operators != nil {
		fmt.Fprintf(&b, "Operators on http://%s/api/stats and /metrics\n", visible(operators.Addr()))
	}
	fmt.Fprintf(&b, "Data in %s (%s)\n", place, holds)
	fmt.Fprintf(&b, "Room for %s (%s)\n", count(room.sessions, "session", "sessions"), room.reason)
	if c.signInOn() {
		b.WriteString("Sign-in is on: who connects needs a token or signs each request.\n")
	} else if !loopback(addr.String()) {
		b.WriteString("Sign-in is off: everybody who can reach this address may change everything.\n")
	}
	return b.String()
}

// farewell is what a person sees at the first signal.
func (c *serveCmd) farewell(sessions int) string {
	if sessions == 0 || c.Drain == 0 {
		return "Stopping."
	}
	return fmt.Sprintf("Stopping: %s within %s. Ctrl-C again stops at once.",
		count(sessions, "session leaves", "sessions leave"), time.Duration(c.Drain))
}

// networks reads the proxies that are believed: networks or single addresses.
func networks(list []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range list {
		n, err := parseNetwork(s)
		if err != nil {
			return nil, refuse("--trust-proxy: %w", err)
		}
		all = append(all, n)
	}
	return all, nil
}

// exists tells whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
