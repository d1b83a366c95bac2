package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/natsjournal"
)

// newEpochsCmd makes a stream fit for use that was put back from a backup.
type newEpochsCmd struct {
	Nats []string `required:"" placeholder:"URL,…" help:"the NATS servers that keep the dashboards"`
	natsOptions
	Data string `hidden:"" default:"./dashwire.db" help:"the file that the audit log is beside"`
	auditFile
}

// Help implements kong.HelpProvider.
func (newEpochsCmd) Help() string {
	return `For a stream on NATS that was put back from a backup. Stop all servers first. Each
dashboard begins a new epoch with what the stream holds of it, so that clients that have
seen more notice, read it anew and send again what was not acknowledged. The settings of
serve for NATS (--nats-monitor, --nats-stream, --nats-creds …) count here too.

dashwire new-epochs --nats nats://n1:4222,nats://n2:4222 --nats-sync-always`
}

// Run implements the command.
func (c *newEpochsCmd) Run(p *program, _ *kong.Context) (err error) {
	opts, err := c.journal(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	opts.Existing = true
	j, err := natsjournal.Open(p.ctx, strings.Join(c.Nats, ","), opts)
	if err != nil {
		return &notBegun{err}
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	r := &renewal{show: newProgress(p.err)}
	err = j.AfterRestore(p.ctx, func(ctx context.Context, info journal.Info) error { return r.renew(ctx, j, info) })
	r.show.end()
	if err != nil {
		return fmt.Errorf("%w\nRun it again before any server starts", err)
	}
	stream := j.Report().Stream
	fmt.Fprintf(p.out, "The stream %s: new epochs begun, %s. Start the servers.\n", stream, count(r.renewed, "dashboard", "dashboards"))
	if err := c.note(p.ctx, c.Data, "data.epochs-begun", map[string]string{
		"stream": stream, "dashboards": number(r.renewed), "damaged": number(len(r.damaged)),
	}); err != nil {
		return err
	}
	return r.tell(p.out)
}

// markPath is where a server on NATS remembers what it has seen there: beside its data
// file, like the audit log.
func markPath(data string) string {
	return strings.TrimSuffix(data, filepath.Ext(data)) + ".nats-seen.json"
}
