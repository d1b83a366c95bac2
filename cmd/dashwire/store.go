package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/natsdial"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/natsjournal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/metrics"
	"github.com/dashwire/dashwire/relay"
	"github.com/dashwire/dashwire/relay/natsrelay"
)

// natsPatience is how long a server waits at its start for NATS to answer.
const natsPatience = 30 * time.Second

// natsFlags are the settings of a server that keeps its dashboards on NATS, with
// others beside it (docs/operations.md).
type natsFlags struct {
	Nats []string `hidden:"" placeholder:"URL,…" help:"keep dashboards on these NATS servers instead of in a file"`
	natsOptions
}

// natsOptions are how dashboards are kept on NATS, wherever that is.
type natsOptions struct {
	NatsStream     string   `hidden:"" default:"dashwire" help:"the stream that holds them"`
	NatsReplicas   int      `hidden:"" default:"3" help:"servers that keep each edit: 1, 3 or 5"`
	NatsMonitor    []string `hidden:"" placeholder:"URL,…" help:"the monitoring ports of all NATS servers, to ask whether they sync"`
	NatsSyncAlways bool     `hidden:"" help:"the NATS servers run with sync_interval: always; do not ask them"`
	NatsUnsafe     bool     `hidden:"" help:"start on NATS servers that could lose acknowledged edits"`
	NatsCreds      string   `hidden:"" placeholder:"FILE" help:"NATS credentials"`
	NatsCA         string   `hidden:"" name:"nats-ca" placeholder:"FILE" help:"the authorities that the NATS servers' certificates come from (PEM)"`
	NatsCert       string   `hidden:"" placeholder:"FILE" help:"the certificate that this server shows them (PEM)"`
	NatsKey        string   `hidden:"" placeholder:"FILE" help:"its key (PEM)"`
}

// store is an open journal with what a person and /metrics are told of it.
type store struct {
	journal.Journal
	relay      relay.Relay // nil = there are no other nodes
	close      func() error
	numbers    func() []metrics.Number
	background bool // no thread waits for the disk while it commits
	// place is where the data is, size what is told of its size.
	place string
	size  func() string
}

// Trouble implements journal.Watched.
func (s *store) Trouble() *journal.Trouble { return journal.TroubleOf(s.Journal) }

// openStore opens the journal that the settings name.
func (c *serveCmd) openStore(ctx context.Context, log *slog.Logger) (*store, error) {
	if len(c.Nats) > 0 {
		return c.openNATS(ctx, log)
	}
	j, err := sqlitejournal.Open(c.Data, sqlitejournal.Options{
		CacheBytes: cacheBytes(debug.SetMemoryLimit(-1)),
		Logger:     log, KeepEntries: c.KeepEntries, KeepAge: time.Duration(c.KeepAge),
	})
	if err != nil {
		return nil, &notBegun{err}
	}
	return &store{
		Journal: j, close: j.Close, place: c.Data, background: j.Stats().Background,
		numbers: func() []metrics.Number { return journalNumbers(j.Stats()) },
		size: func() string {
			stats := j.Stats()
			return ", " + bytesText(stats.FileBytes+stats.WALBytes+stats.LogBytes)
		},
	}, nil
}

func (c *serveCmd) openNATS(ctx context.Context, log *slog.Logger) (*store, error) {
	opts, err := c.journal(log)
	if err != nil {
		return nil, err
	}
	opts.KeepEntries, opts.KeepAge = c.KeepEntries, time.Duration(c.KeepAge)
	opts.MarkFile = markPath(c.Data)
	addresses := strings.Join(c.Nats, ",")
	j, err := natsdial.Await(ctx, log, natsPatience, func() (*natsjournal.Journal, error) {
		return natsjournal.Open(ctx, addresses, opts)
	})
	if err != nil {
		return nil, &notBegun{err}
	}
	found := j.Report()
	r, err := natsdial.Await(ctx, log, natsPatience, func() (*natsrelay.Relay, error) {
		return natsrelay.Open(addresses, natsrelay.Options{
			Prefix: c.NatsStream + "-relay." + j.Generation(), CredentialsFile: c.NatsCreds, TLS: opts.TLS, Logger: log,
		})
	})
	if err != nil {
		return nil, &notBegun{errors.Join(err, j.Close())}
	}
	return &store{
		Journal: j, relay: r, close: func() error { return errors.Join(r.Close(), j.Close()) },
		place: fmt.Sprintf("the stream %s on NATS %s, %s, durability %s", found.Stream, found.Version,
			count(found.Replicas, "replica", "replicas"), found.Durability),
		numbers: func() []metrics.Number {
			s, connected := j.Stats(), 0.0
			if s.Connected {
				connected = 1
			}
			return append(relayNumbers(r.Stats()), []metrics.Number{
				{Name: "dashwire_journal_connected", Help: "1 while NATS is connected.", Value: connected},
				{Name: "dashwire_journal_reconnects_total", Help: "Times that the connection to NATS came back.", Value: float64(s.Reconnects), Counter: true},
				{Name: "dashwire_journal_followed_total", Help: "Appends of all nodes that this one has heard of.", Value: float64(s.Followed), Counter: true},
			}...)
		},
		size: func() string { return "" },
	}, nil
}

// relayNumbers are the counts of what nodes tell each other as metrics.
func relayNumbers(s natsrelay.Stats) []metrics.Number {
	connected := 0.0
	if s.Connected {
		connected = 1
	}
	return []metrics.Number{
		{Name: "dashwire_relay_connected", Help: "1 while the other nodes can be told something.", Value: connected},
		{Name: "dashwire_relay_topics", Help: "Topics that this node hears: one for each dashboard that is followed here, and three.", Value: float64(s.Topics)},
		{Name: "dashwire_relay_sent_total", Help: "Messages sent to other nodes.", Value: float64(s.Sent), Counter: true},
		{Name: "dashwire_relay_received_total", Help: "Messages of other nodes.", Value: float64(s.Received), Counter: true},
		{Name: "dashwire_relay_dropped_total", Help: "Messages that could not be sent.", Value: float64(s.Dropped), Counter: true},
		{Name: "dashwire_relay_lost_total", Help: "Times that this node did not keep up with the others.", Value: float64(s.Lost), Counter: true},
	}
}

// journal gives the options of a journal on NATS, which keeps all of the history.
func (c *natsOptions) journal(log *slog.Logger) (natsjournal.Options, error) {
	secure, err := c.tls()
	return natsjournal.Options{
		Stream: c.NatsStream, Replicas: c.NatsReplicas, Monitors: c.NatsMonitor, SyncAlways: c.NatsSyncAlways,
		Unsafe: c.NatsUnsafe, CredentialsFile: c.NatsCreds, TLS: secure, Logger: log,
	}, err
}

// tls is how NATS is reached by TLS, nil = as the address says.
func (c *natsOptions) tls() (*tls.Config, error) {
	if (c.NatsCert == "") != (c.NatsKey == "") {
		return nil, refuse("--nats-cert and --nats-key go together")
	}
	if c.NatsCA == "" && c.NatsCert == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.NatsCA != "" {
		pem, err := os.ReadFile(c.NatsCA)
		if err != nil {
			return nil, refuse("--nats-ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, refuse("--nats-ca: %s holds no certificate in PEM form", c.NatsCA)
		}
	}
	if c.NatsCert != "" {
		pair, err := tls.LoadX509KeyPair(c.NatsCert, c.NatsKey)
		if err != nil {
			return nil, refuse("--nats-cert, --nats-key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// describe tells what a store holds.
func describe(ctx context.Context, s *store) string {
	const most = 1000
	list, err := s.List(ctx, "", most)
	if err != nil {
		return "its list of dashboards cannot be read"
	}
	n := 0
	for _, info := range list {
		if s, err := summaryOf(info); err == nil && s.Deleted == 0 {
			n++
		}
	}
	text := count(n, "dashboard", "dashboards")
	if len(list) == most {
		text = "over " + text
	}
	return text + s.size()
}

// journalNumbers are the counts of a journal in a file as metrics.
func journalNumbers(s sqlitejournal.Stats) []metrics.Number {
	return []metrics.Number{
		{Name: "dashwire_journal_bytes", Help: "Size of the data file.", Value: float64(s.FileBytes)},
		{Name: "dashwire_journal_wal_bytes", Help: "Size of SQLite's write-ahead log beside it.", Value: float64(s.WALBytes)},
		{Name: "dashwire_journal_log_bytes", Help: "Size of the commit log beside it.", Value: float64(s.LogBytes)},
		{Name: "dashwire_journal_commits_total", Help: "Commits, each one durable write.", Value: float64(s.Commits), Counter: true},
		{Name: "dashwire_journal_commit_seconds_total", Help: "Time spent in commits.", Value: s.CommitTime.Seconds(), Counter: true},
		{Name: "dashwire_journal_refused_total", Help: "Groups of appends that found the disk full or the file locked.", Value: float64(s.Refused), Counter: true},
		{Name: "dashwire_journal_reopened_total", Help: "Times that the file was opened again after a failure.", Value: float64(s.Reopened), Counter: true},
		{Name: "dashwire_journal_damaged", Help: "Dashboards closed for damage.", Value: float64(s.Damaged)},
	}
}
