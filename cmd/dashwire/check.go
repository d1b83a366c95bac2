package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/words"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// checkCmd reads a whole data file.
type checkCmd struct {
	Data string `default:"./dashwire.db" help:"the data file; a server may have it open"`
	Full bool   `help:"list the dashboards that are well, too"`

	AuditLog string `name:"audit-log" placeholder:"FILE" help:"the audit log (default the one beside the data file)"`
}

// Help implements kong.HelpProvider.
func (checkCmd) Help() string {
	return `Reads everything in a data file: the file's structure, each record's checksum, and
whether each log folds to the same state as the snapshots made of it. Changes nothing.
Exit code 1 if there is damage.

dashwire check --data /var/lib/dashwire/dashwire.db`
}

// checked is what was found of one dashboard.
type checked struct {
	id                 string
	entries, snapshots int
	version            uint64
	deleted            bool
	problems           []string
}

// Run implements the command.
func (c *checkCmd) Run(p *program, _ *kong.Context) (err error) {
	j, err := sqlitejournal.OpenReadOnly(c.Data, sqlitejournal.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return &notBegun{err}
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	show := newProgress(p.err)
	report, err := j.Check(p.ctx, func(r sqlitejournal.Report) {
		show.show("checksums: %s, %s", count(r.Dashboards, "dashboard", "dashboards"), count(r.Records, "record", "records"))
	})
	if err != nil {
		return err
	}
	found := make(map[string]*checked)
	var order []string
	fold := func(info journal.Info) error {
		show.show("folding: %s of %s", number(len(order)), count(report.Dashboards, "dashboard", "dashboards"))
		f, err := checkLog(p.ctx, j, info)
		if err != nil {
			return err
		}
		found[f.id] = f
		order = append(order, f.id)
		return nil
	}
	for info, e := range journal.All(p.ctx, j) {
		if err = e; err == nil {
			err = fold(info)
		}
		if err != nil {
			break
		}
	}
	show.end()
	if err != nil && !errors.Is(err, journal.ErrCorrupt) {
		return err
	}
	var file []string
	for _, d := range report.Damage {
		f := found[d.DashboardID]
		switch {
		case f == nil:
			file = append(file, d.Err.Error())
		case len(f.problems) == 0:
			f.problems = append(f.problems, d.Err.Error())
		}
	}
	return errors.Join(c.tell(p, order, found, file), c.checkAudit(p))
}

// checkAudit follows the chain of the audit log beside the data file, if there is one.
func (c *checkCmd) checkAudit(p *program) error {
	path := auditPath(c.AuditLog, c.Data)
	if path == "" || !exists(path) && c.AuditLog == "" {
		return nil
	}
	r, err := audit.Verify(p.ctx, path)
	if err != nil {
		return err
	}
	for _, text := range r.Damage {
		fmt.Fprintf(p.out, "DAMAGED: %s\n", words.Printable(text))
	}
	sum := fmt.Sprintf("%s in %s, to number %d, %s", count(r.Lines, "line", "lines"), count(r.Files, "file", "files"), r.Last, r.Head)
	if len(r.Damage) > 0 {
		fmt.Fprintf(p.out, "%s: DAMAGED (%s). Lines were changed or taken out.\n", path, sum)
		return errSilent
	}
	fmt.Fprintf(p.out, "%s: the chain holds (%s).\n", path, sum)
	return nil
}

// tell prints the table and the sum.
func (c *checkCmd) tell(p *program, order []string, found map[string]*checked, file []string) error {
	t := table{heads: []string{"DASHBOARD", ">VERSION", ">ENTRIES", ">SNAPSHOTS", "STATE"}}
	entries, damaged := 0, len(file)
	for _, id := range order {
		f := found[id]
		entries += f.entries
		state := "ok"
		switch {
		case len(f.problems) > 0:
			damaged++
			state = "DAMAGED: " + f.problems[0]
		case f.deleted:
			state = "ok, deleted"
		}
		if c.Full || len(order) <= 20 || len(f.problems) > 0 {
			t.add(f.id, number(f.version), number(f.entries), number(f.snapshots), state)
		}
	}
	if len(t.rows) > 0 {
		t.print(p.out)
		fmt.Fprintln(p.out)
	}
	for _, text := range file {
		fmt.Fprintf(p.out, "DAMAGED: %s\n", words.Printable(text))
	}
	sum := count(len(order), "dashboard", "dashboards") + ", " + count(entries, "entry", "entries")
	if damaged == 0 {
		fmt.Fprintf(p.out, "%s: all is well (%s).\n", c.Data, sum)
		return nil
	}
	fmt.Fprintf(p.out, "%s: DAMAGED in %s (%s). The other dashboards can be used; restore these from a backup.\n",
		c.Data, count(damaged, "place", "places"), sum)
	return errSilent
}

// checkLog folds one log from its beginning and compares it with each snapshot on the
// way. The error is about checking itself.
func checkLog(ctx context.Context, j *sqlitejournal.Journal, info journal.Info) (*checked, error) {
	f := &checked{id: info.DashboardID}
	bad := func(err error) (*checked, error) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, journal.ErrUnavailable) {
			return nil, err
		}
		f.problems = append(f.problems, err.Error())
		return f, nil
	}
	snapshots, err := j.Snapshots(ctx, f.id)
	if err != nil {
		return bad(err)
	}
	f.snapshots = len(snapshots)
	oldest, err := j.Oldest(ctx, f.id)
	if err != nil {
		return bad(err)
	}
	state := board.NewState(f.id)
	if oldest > 0 {
		if len(snapshots) == 0 || snapshots[0] > oldest {
			return bad(fmt.Errorf("the log begins after %d and no snapshot stands there: %w", oldest, journal.ErrCorrupt))
		}
		if state, err = stateAt(ctx, j, f.id, snapshots[0]); err != nil {
			return bad(err)
		}
		snapshots = snapshots[1:]
	}
	for rec, err := range j.Read(ctx, f.id, journal.Position(state.Position())) {
		if err != nil {
			return bad(err)
		}
		if state, err = foldRecord(state, rec); err != nil {
			return bad(err)
		}
		f.entries++
		if len(snapshots) > 0 && snapshots[0] == rec.Position {
			s, err := j.Snapshot(ctx, f.id, rec.Position)
			if err != nil {
				return bad(err)
			}
			// One that is damaged stands in the report, and one that a server has let go of meanwhile is no matter.
			if s.Position == rec.Position && !isSnapshotOf(s.Data, state) {
				f.problems = append(f.problems, fmt.Sprintf("the snapshot at %d is not what the log folds to", rec.Position))
			}
			snapshots = snapshots[1:]
		}
	}
	f.version, f.deleted = state.Version(), state.Deleted()
	if s, err := summaryOf(info); err == nil && len(f.problems) == 0 && info.Head == journal.Position(state.Position()) &&
		(s.Epoch != state.Epoch() || s.Version != state.Version()) {
		f.problems = append(f.problems, fmt.Sprintf("the list says version %d, the log ends at %d", s.Version, state.Version()))
	}
	return f, nil
}

// isSnapshotOf reports whether a snapshot is of a state, also if a build of before wrote it.
func isSnapshotOf(data []byte, state *board.State) bool {
	want := state.AppendSnapshot(nil)
	if bytes.Equal(data, want) {
		return true
	}
	was, err := board.ParseSnapshot(data)
	return err == nil && bytes.Equal(was.AppendSnapshot(nil), want)
}
