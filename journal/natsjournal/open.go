package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/internal/natsdial"
)

// Open connects to a NATS cluster (one address, or several with commas between
// them), checks it, makes the streams if there are none, and says what it found
// (Report, and a line in the log). Its errors say in a sentence or two what to do.
func Open(ctx context.Context, addresses string, opts Options) (*Journal, error) {
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	j, err := open(ctx, addresses, opts)
	if err != nil {
		return nil, fmt.Errorf("open journal on NATS: %w", err)
	}
	return j, nil
}

func open(ctx context.Context, addresses string, opts Options) (_ *Journal, err error) {
	j := &Journal{
		opts: opts, stream: opts.Stream, snapshots: snapshotsOf(opts.Stream),
		suspicion: make(chan struct{}, 1),
		pulse:     pulse{suspects: make(chan struct{}, 1)},
	}
	j.life, j.end = context.WithCancel(context.Background())
	j.whole, j.spoil = context.WithCancel(context.Background())
	connected := make(chan struct{}) // until then the handlers have nothing to tell
	if j.conn, err = nats.Connect(addresses, j.connection(connected)...); err != nil {
		j.end()
		j.spoil()
		if errors.Is(err, nats.ErrNoServers) {
			err = fmt.Errorf("none of them answers: start them, or check the addresses: %w", err)
		}
		return nil, fmt.Errorf("connect to %s: %w", hosts(addresses), err)
	}
	defer func() {
		if err != nil {
			j.Close()
		}
	}()
	j.requests, err = newRequests(j.conn)
	close(connected)
	if err != nil {
		return nil, err
	}
	if err := checkServer(j.conn.ConnectedServerVersion(), int(j.conn.MaxPayload())); err != nil {
		return nil, err
	}
	if j.js, err = jetstream.New(j.conn); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	before, err := readMark(opts.MarkFile)
	if err != nil {
		return nil, err
	}
	if opts.Existing || before != nil && before.Dashboard != "" {
		if err := j.expect(ctx); err != nil {
			return nil, err
		}
	}
	var created bool
	if j.logs, created, err = j.ensure(ctx, j.logConfig(newGeneration()), false); err != nil {
		return nil, jetStreamAdvice(err)
	}
	info := j.logs.CachedInfo()
	j.generation = info.Config.Metadata[metaGeneration]
	lineage := info.Config.Metadata[metaLineage]
	j.lineage.Store(&lineage)
	j.subjects = subjectsOf(j.stream, j.generation)
	if j.snaps, _, err = j.ensure(ctx, j.snapshotConfig(j.generation), true); err != nil {
		return nil, err
	}
	always, dangers, err := j.checkSync(ctx, info)
	if err != nil {
		return nil, err
	}
	j.replicas = info.Config.Replicas
	if j.durability, dangers, err = j.judge(info, always, dangers); err != nil {
		return nil, err
	}
	j.found = Report{
		Server: j.conn.ConnectedServerName(), Version: j.conn.ConnectedServerVersion(),
		Stream: j.stream, Generation: j.generation, Created: created, Replicas: j.replicas,
		SyncAlways: always, MaxPayload: int(j.conn.MaxPayload()), Durability: j.durability, Dangers: dangers,
	}
	opts.Logger.Info("journal on NATS", "server", j.found.Server, "version", j.found.Version, "stream", j.stream,
		"made", created, "replicas", j.replicas, "synced", always, "durability", j.durability)
	for _, d := range dangers {
		opts.Logger.Warn("acknowledged edits could be lost", "stream", j.stream, "why", d)
	}
	j.saw(info.State.LastSeq)
	if err := j.beginMarks(ctx, before); err != nil {
		return nil, err
	}
	j.keepMark()
	j.tasks.Go(j.guard)
	j.tasks.Go(j.feelPulse)
	j.tasks.Go(func() { j.watch(info.State.LastSeq + 1) })
	if opts.KeepAge > 0 || opts.KeepEntries > 0 {
		j.tasks.Go(j.trimLoop)
	}
	return j, nil
}

// connection is how the connection behaves: it comes back by itself, always, and
// keeps nothing for later while it is away, so that nothing is sent twice.
func (j *Journal) connection(connected <-chan struct{}) []nats.Option {
	log := j.opts.Logger
	common := natsdial.Config{Name: j.opts.Name, CredentialsFile: j.opts.CredentialsFile, TLS: j.opts.TLS, Log: log}
	return append(
		common.Options(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			<-connected
			log.Warn("the connection to NATS broke; edits wait until it is back", "err", err)
			if j.requests != nil {
				j.requests.disconnected()
			}
			j.loseSight()
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Info("connected to NATS again", "server", c.ConnectedServerName())
			if err := checkServer(c.ConnectedServerVersion(), int(c.MaxPayload())); err != nil {
				log.Error("this NATS server should not be in the cluster", "server", c.ConnectedServerName(), "err", err)
			}
			j.suspect()
			j.doubt() // the cluster that it came back to may lack a quorum
		}),
	)
}

// jetStreamAdvice explains the first errors that JetStream gives.
func jetStreamAdvice(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount),
		errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("the NATS servers run without JetStream, or this account may not use it: %w", err)
	}
	return err
}

// hosts gives addresses without the passwords in them.
func hosts(addresses string) string {
	list := strings.Split(addresses, ",")
	for i, a := range list {
		if at := strings.LastIndexByte(a, '@'); at >= 0 {
			scheme, _, ok := strings.Cut(a, "://")
			if ok {
				scheme += "://"
			} else {
				scheme = ""
			}
			list[i] = scheme + a[at+1:]
		}
	}
	return strings.Join(list, ",")
}
