package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/words"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// backupCmd copies a data file.
type backupCmd struct {
	To   string `arg:"" name:"to" help:"the file to write; it must not be there yet"`
	Data string `default:"./dashwire.db" help:"the data file; a server may have it open"`
	auditFile
}

// Help implements kong.HelpProvider.
func (backupCmd) Help() string {
	return `Copies a data file as it is at one moment, while the server runs or not, and checks the
copy. The copy is a data file like any other.

dashwire backup /backup/dashwire-2026-11-22.db`
}

// Run implements the command.
func (c *backupCmd) Run(p *program, _ *kong.Context) (err error) {
	j, err := sqlitejournal.OpenReadOnly(c.Data, sqlitejournal.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return &notBegun{err}
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	show := newProgress(p.err)
	err = j.Backup(p.ctx, c.To, func(done, total int) { show.show("copying: %d %%", percent(done, total)) })
	show.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: copied to %s and checked, %s.\n", c.Data, c.To, fileSize(c.To))
	return c.note(p.ctx, c.Data, "backup.made", map[string]string{"to": c.To})
}

// restoreCmd makes a data file from a backup.
type restoreCmd struct {
	From string `arg:"" name:"from" help:"the backup"`
	Data string `default:"./dashwire.db" help:"the data file to make; it must not be there yet"`
	auditFile
}

// Help implements kong.HelpProvider.
func (restoreCmd) Help() string {
	return `Makes a data file from a backup. Stop the server and move its data file away first (with
-wal, -shm and the folder -log beside it). Each dashboard begins a new epoch, so that
clients that have seen more than the backup holds notice and read it anew.

dashwire restore /backup/dashwire-2026-11-22.db`
}

// Run implements the command.
func (c *restoreCmd) Run(p *program, _ *kong.Context) error {
	if !exists(c.From) {
		return refuse("there is no backup %s: check its name", c.From)
	}
	for _, path := range []string{c.Data, c.Data + "-wal", c.Data + "-log"} {
		if exists(path) {
			return refuse("%s is there: stop its server and move it away, or name another file with --data", path)
		}
	}
	r := &renewal{show: newProgress(p.err)}
	err := sqlitejournal.Restore(p.ctx, c.From, c.Data, sqlitejournal.Options{Logger: slog.New(slog.DiscardHandler)}, r.renew)
	r.show.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: restored from %s, %s.\n", c.Data, c.From, count(r.renewed, "dashboard", "dashboards"))
	if err := c.note(p.ctx, c.Data, "data.restored", map[string]string{
		"from": c.From, "dashboards": number(r.renewed), "damaged": number(len(r.damaged)),
	}); err != nil {
		return err
	}
	return r.tell(p.out)
}

// renewal begins new epochs, and keeps count.
type renewal struct {
	show    *progress
	renewed int
	damaged []error
}

// renew does it for one dashboard. One that is damaged keeps none of the others from it.
func (r *renewal) renew(ctx context.Context, j journal.Journal, info journal.Info) error {
	err := renew(ctx, j, info)
	if err != nil && ctx.Err() == nil && !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, journal.ErrUnknown) {
		r.damaged = append(r.damaged, fmt.Errorf("%s: %w", info.DashboardID, err))
		return nil
	}
	r.renewed++
	r.show.show("restoring: %s", count(r.renewed, "dashboard", "dashboards"))
	return err
}

// tell names the dashboards that could not be read.
func (r *renewal) tell(out io.Writer) error {
	if len(r.damaged) == 0 {
		return nil
	}
	fmt.Fprintf(out, "%s damaged in the backup and cannot be opened:\n", count(len(r.damaged), "dashboard is", "dashboards are"))
	for _, err := range r.damaged {
		fmt.Fprintf(out, "  %s\n", words.Printable(err.Error()))
	}
	return errSilent
}

// versionNames is where the settings hold the names of versions. They name versions of
// the epoch that ends.
const versionNames board.Pointer = "/versions"

// renew begins a new epoch of a dashboard with what it was (R1). A deleted one is
// deleted in the new epoch too, at the same time as before, so that it can be brought
// back for as long.
func renew(ctx context.Context, j journal.Journal, info journal.Info) error {
	state, err := stateAt(ctx, j, info.DashboardID, info.Head)
	if err != nil {
		return err
	}
	content, now := state, time.Now()
	if state.Deleted() {
		if content, err = stateAt(ctx, j, info.DashboardID, info.Head-1); err != nil {
			return err
		}
		now = state.DeletedAt()
	}
	doc := content.Document()
	doc.Settings = doc.Settings.Without(versionNames)
	if len(doc.Widgets) == 0 && doc.Settings == "{}" {
		// A dashboard without any content would be no change (M7).
		doc.Settings = doc.Settings.With("/title", board.Value(strconv.Quote(info.DashboardID)))
	}
	first, err := decided(board.NewState(info.DashboardID), &board.Op{
		Type: board.TypeReplace, ID: uuid.NewString(), DashboardID: info.DashboardID, Author: restorer,
		Create: true, Document: doc,
	}, board.Env{Now: now, NewEpoch: uuid.NewString(), Window: content.Window(), Limits: unlimited})
	if err != nil {
		return err
	}
	next, err := state.Fold(first)
	if err != nil {
		return err
	}
	records := [][]byte{board.EncodeRecord(first).Data}
	if state.Deleted() {
		last, err := decided(next, &board.Op{
			Type: board.TypeDashboardDelete, ID: uuid.NewString(), DashboardID: info.DashboardID, Author: restorer,
		}, board.Env{Now: now, Limits: unlimited})
		if err != nil {
			return err
		}
		if next, err = next.Fold(last); err != nil {
			return err
		}
		records = append(records, board.EncodeRecord(last).Data)
	}
	summary, err := summarise(next)
	if err != nil {
		return err
	}
	a := journal.Append{DashboardID: info.DashboardID, After: info.Head, Records: records, Summary: summary}
	if err := insistOn(ctx, func() error { _, err := j.Append(ctx, a); return err }); err != nil {
		return err
	}
	s := journal.Snapshot{Position: journal.Position(next.Position()), Data: next.AppendSnapshot(nil)}
	return insistOn(ctx, func() error { return j.SaveSnapshot(ctx, info.DashboardID, s) })
}

// restorer is the author of what a restore writes.
var restorer = board.Author{UserID: "dashwire", ClientID: "restore"}

// unlimited lets a dashboard be restored whatever the limits were when it was made.
var unlimited = board.Limits{DocumentBytes: 1 << 30, Widgets: 1 << 30, Operations: 1 << 30, Paths: 1 << 30}

func decided(state *board.State, op *board.Op, env board.Env) (*board.Entry, error) {
	d := state.Decide(op, env)
	switch {
	case d.Refusal != nil:
		return nil, d.Refusal
	case d.Entry == nil:
		return nil, errors.New("there is nothing in it to restore")
	}
	return d.Entry, nil
}

// summarise makes what the list of dashboards tells of a state.
func summarise(s *board.State) ([]byte, error) {
	sum := room.Summary{Epoch: s.Epoch(), Version: s.Version(), Widgets: s.WidgetCount()}
	if title, ok := s.Settings().Get("/title"); ok && title.Kind() == '"' && len(title) <= 512 {
		if err := jsontext.Decode([]byte(title), &sum.Title); err != nil {
			return nil, err
		}
	}
	if s.Deleted() {
		sum.Deleted = s.DeletedAt().UnixMilli()
	}
	return jsontext.Encode(sum)
}

func fileSize(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "size not known"
	}
	return bytesText(info.Size())
}
