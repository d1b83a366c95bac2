package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/natsjournal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// migrateCmd copies the logs of all dashboards from one store to another.
type migrateCmd struct {
	From string `required:"" placeholder:"STORE" help:"where the dashboards are: sqlite:FILE or nats://HOST:PORT,…"`
	To   string `required:"" placeholder:"STORE" help:"where they go; nothing else may be there"`
	natsOptions
	auditFile
}

// Help implements kong.HelpProvider.
func (migrateCmd) Help() string {
	return `Copies every dashboard with its history, versions and op ids, so that clients go on where
they are. History that was trimmed (keep-entries, keep-age) begins at the same version there.
Stop the servers of both sides first. Stopped half-way, it goes on where it was when it is
run again. At the end both sides are read and compared. The settings of serve for NATS
(--nats-monitor, --nats-stream, --nats-creds …) count here too.

dashwire migrate --from sqlite:dashwire.db --to nats://n1:4222,nats://n2:4222 --nats-sync-always`
}

// side is one of the two stores.
type side struct {
	journal.Journal
	name  string
	file  string // "" = NATS
	close func() error
	// oldest is the position that a log can be read after.
	oldest func(ctx context.Context, id string) (journal.Position, error)
	// snapshots are the positions of those that are kept of a log, in order.
	snapshots func(ctx context.Context, id string) ([]journal.Position, error)
}

const sqliteScheme = "sqlite:"

// Run implements the command.
func (c *migrateCmd) Run(p *program, _ *kong.Context) (err error) {
	if strings.HasPrefix(c.From, sqliteScheme) == strings.HasPrefix(c.To, sqliteScheme) {
		return refuse("--from and --to: one is a file, sqlite:FILE, the other NATS servers, nats://HOST:PORT,…")
	}
	for _, text := range []string{c.From, c.To} {
		if text == sqliteScheme {
			return refuse("name the file behind sqlite:")
		}
		if !strings.HasPrefix(text, sqliteScheme) && !strings.Contains(text, "://") {
			return refuse("%q is no store; write sqlite:FILE or nats://HOST:PORT,…", text)
		}
	}
	if file, ok := strings.CutPrefix(c.From, sqliteScheme); ok && !exists(file) {
		return refuse("--from: there is no file %s", file)
	}
	from, err := c.open(p.ctx, "--from", c.From)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := c.open(p.ctx, "--to", c.To)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	m := &migration{from: from, to: to, show: newProgress(p.err)}
	defer m.show.end()
	if err := m.plan(p.ctx); err != nil {
		return err
	}
	if err := m.each(p.ctx, "copying", m.copy); err != nil {
		return fmt.Errorf("%w\nRun it again to go on", err)
	}
	if err := m.each(p.ctx, "comparing", m.compare); err != nil {
		return err
	}
	m.show.end()
	if len(m.differs) > 0 {
		slices.Sort(m.differs)
		for _, text := range m.differs {
			fmt.Fprintf(p.out, "DIFFERS: %s\n", text)
		}
		fmt.Fprintf(p.out, "%s of %d differ. If a server was still running, stop it and run this again.\n",
			count(len(m.differs), "dashboard", "dashboards"), len(m.all))
		return errSilent
	}
	fmt.Fprintf(p.out, "%s → %s: %s, %s, %s of them copied now. Both sides are the same (SHA-256 %x).\n", from.name, to.name,
		count(len(m.all), "dashboard", "dashboards"), count(int(m.entries.Load()), "entry", "entries"), number(m.copied.Load()), m.sum())
	for _, s := range []*side{from, to} {
		if s.file == "" {
			continue
		}
		if err := c.note(p.ctx, s.file, "data.migrated", map[string]string{"from": from.name, "to": to.name, "dashboards": number(len(m.all))}); err != nil {
			return err
		}
	}
	return nil
}

// open opens one side.
func (c *migrateCmd) open(ctx context.Context, flag, text string) (*side, error) {
	log := slog.New(slog.DiscardHandler)
	if file, ok := strings.CutPrefix(text, sqliteScheme); ok {
		j, err := sqlitejournal.Open(file, sqlitejournal.Options{Logger: log})
		if errors.Is(err, sqlitejournal.ErrInUse) {
			return nil, refuse("%s: a server has %s open; stop it first", flag, file)
		}
		if err != nil {
			return nil, &notBegun{err}
		}
		return &side{Journal: j, name: file, file: file, close: j.Close, oldest: j.Oldest, snapshots: j.Snapshots}, nil
	}
	opts, err := c.journal(log)
	if err != nil {
		return nil, err
	}
	j, err := natsjournal.Open(ctx, text, opts)
	if err != nil {
		return nil, &notBegun{err}
	}
	return &side{Journal: j, name: "the stream " + j.Report().Stream, close: j.Close, oldest: j.Oldest, snapshots: j.Snapshots}, nil
}

// migration copies and compares.
type migration struct {
	from, to *side
	show     *progress
	all      []journal.Info               // of from
	begins   map[string]journal.Position  // what is copied of the logs of from comes after this; all of it if missing
	there    map[string]journal.Position  // heads of to
	sums     map[string][sha256.Size]byte // of the logs of from, once compared
	entries  atomic.Uint64                // compared
	copied   atomic.Uint64

	mu      sync.Mutex
	done    int
	differs []string
}

// plan lists both sides, and refuses a target that holds anything else.
func (m *migration) plan(ctx context.Context) error {
	known := make(map[string]bool)
	m.begins = make(map[string]journal.Position)
	for info, err := range journal.All(ctx, m.from) {
		if err != nil {
			return err
		}
		begin, err := m.from.beginning(ctx, info)
		if err != nil {
			return err
		}
		if begin > 0 {
			m.begins[info.DashboardID] = begin
		}
		known[info.DashboardID] = true
		m.all = append(m.all, info)
		m.show.show("listing: %s", count(len(m.all), "dashboard", "dashboards"))
	}
	m.there = make(map[string]journal.Position)
	m.sums = make(map[string][sha256.Size]byte)
	var foreign, behind []string
	for info, err := range journal.All(ctx, m.to) {
		if err != nil {
			return err
		}
		if !known[info.DashboardID] {
			foreign = append(foreign, info.DashboardID)
		}
		m.there[info.DashboardID] = info.Head
	}
	if len(foreign) > 0 {
		return refuse("%s holds other dashboards: %s. Choose an empty place, or another --nats-stream", m.to.name, some(foreign))
	}
	// What an earlier run has copied must be the beginning of what is to be copied.
	for _, info := range m.all {
		at := m.there[info.DashboardID]
		if at == 0 {
			continue
		}
		m.show.show("looking at what is there already")
		after, err := m.common(ctx, info.DashboardID)
		if err != nil {
			return err
		}
		if after > at {
			behind = append(behind, info.DashboardID)
			continue
		}
		a, _, err := digest(ctx, m.from, info.DashboardID, after, at)
		if err != nil {
			return err
		}
		b, _, err := digest(ctx, m.to, info.DashboardID, after, at)
		if err != nil {
			return err
		}
		if at > info.Head || a != b {
			foreign = append(foreign, info.DashboardID)
		}
	}
	if len(behind) > 0 {
		return refuse("%s holds an older copy of %s, and what comes next was trimmed since (keep-entries, keep-age). "+
			"Choose an empty place, or another --nats-stream", m.to.name, some(behind))
	}
	if len(foreign) > 0 {
		return refuse("%s holds other content of %s: it was edited there. Choose an empty place, or another --nats-stream", m.to.name, some(foreign))
	}
	return nil
}

// beginning is what a log is copied after: 0, or the snapshot that a trimmed one begins with.
// A store may keep some records before it, which it lets go with others.
func (s *side) beginning(ctx context.Context, info journal.Info) (journal.Position, error) {
	oldest, err := s.oldest(ctx, info.DashboardID)
	if err != nil || oldest == 0 {
		return 0, err
	}
	first, err := s.Snapshot(ctx, info.DashboardID, oldest)
	if err != nil {
		return 0, err
	}
	if first.Position == oldest {
		return oldest, nil
	}
	all, err := s.snapshots(ctx, info.DashboardID)
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		if p < oldest {
			continue
		}
		// One that cannot be read counts as not there.
		if first, err := s.Snapshot(ctx, info.DashboardID, p); err != nil || first.Position == p {
			return first.Position, err
		}
	}
	return 0, fmt.Errorf("the history of %s begins after position %d, and no snapshot tells what was before: %w",
		info.DashboardID, oldest, journal.ErrCorrupt)
}

// common is the position after which both sides can be compared.
func (m *migration) common(ctx context.Context, id string) (journal.Position, error) {
	oldest, err := m.to.oldest(ctx, id)
	return max(oldest, m.begins[id]), err
}

// some names the first of a list.
func some(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(list[:most], ", "), number(len(list)-most))
}

// atOnce is how many dashboards are worked on at the same time: a store takes what
// comes together at little more than the cost of one.
const atOnce = 16

// each does something with every dashboard, and returns the first error.
func (m *migration) each(ctx context.Context, what string, do func(context.Context, journal.Info) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m.done = 0
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(atOnce, len(m.all)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(m.all) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, m.all[i]); err != nil {
					stop(fmt.Errorf("%s %s: %w", what, m.all[i].DashboardID, err))
					return
				}
				m.mu.Lock()
				m.done++
				m.show.show("%s: %d %% of %s", what, percent(m.done, len(m.all)), count(len(m.all), "dashboard", "dashboards"))
				m.mu.Unlock()
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// What one append holds at most, in records and bytes.
const (
	copyRecords = 500
	copyBytes   = 2 << 20
)

// copy appends what the target lacks of one dashboard, and its snapshots as soon as the log
// has got there.
func (m *migration) copy(ctx context.Context, info journal.Info) error {
	a := journal.Append{DashboardID: info.DashboardID, After: m.there[info.DashboardID], Summary: info.Summary}
	if begin := m.begins[info.DashboardID]; begin > a.After {
		a.After = begin
	}
	a.Begins = a.After > 0 // if it is not there yet
	snapshots, err := m.from.snapshots(ctx, info.DashboardID)
	if err != nil {
		return err
	}
	size := 0
	flush := func() error {
		if len(a.Records) == 0 {
			return nil
		}
		if err := insistOn(ctx, func() error { _, err := m.to.Append(ctx, a); return err }); err != nil {
			return err
		}
		m.copied.Add(uint64(len(a.Records)))
		a.After += journal.Position(len(a.Records))
		a.Records, size = nil, 0
		snapshots, err = m.save(ctx, info.DashboardID, snapshots, a.After)
		return err
	}
	for rec, err := range m.from.Read(ctx, info.DashboardID, a.After) {
		if err != nil {
			return err
		}
		if len(a.Records) > 0 && (len(a.Records) == copyRecords || size+len(rec.Data) > copyBytes) {
			if err := flush(); err != nil {
				return err
			}
		}
		a.Records = append(a.Records, rec.Data)
		size += len(rec.Data)
	}
	if err := flush(); err != nil {
		return err
	}
	_, err = m.save(ctx, info.DashboardID, snapshots, a.After)
	return err
}

// save copies those snapshots up to a position that the target lacks, and returns the others.
// One that the source cannot read is left out.
func (m *migration) save(ctx context.Context, id string, snapshots []journal.Position, upTo journal.Position) ([]journal.Position, error) {
	if len(snapshots) == 0 || snapshots[0] > upTo {
		return snapshots, nil
	}
	there, err := m.to.snapshots(ctx, id)
	if err != nil {
		return nil, err
	}
	for len(snapshots) > 0 && snapshots[0] <= upTo {
		p := snapshots[0]
		snapshots = snapshots[1:]
		if p < m.begins[id] || slices.Contains(there, p) {
			continue
		}
		s, err := m.from.Snapshot(ctx, id, p)
		if err != nil {
			return nil, err
		}
		if s.Position != p {
			continue
		}
		if err := insistOn(ctx, func() error { return m.to.SaveSnapshot(ctx, id, s) }); err != nil {
			return nil, err
		}
	}
	return snapshots, nil
}

// insistOn repeats what a store could not do at the moment, or could not confirm, for
// a minute.
func insistOn(ctx context.Context, do func() error) error {
	const longest, apart = time.Minute, 250 * time.Millisecond
	for end := time.Now().Add(longest); ; {
		err := do()
		if err == nil || ctx.Err() != nil || time.Now().After(end) ||
			!errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrUnavailable) {
			return err
		}
		select {
		case <-time.After(apart):
		case <-ctx.Done():
			return err
		}
	}
}

// compare reads a log on both sides, and notes what differs.
func (m *migration) compare(ctx context.Context, info journal.Info) error {
	after, err := m.common(ctx, info.DashboardID)
	if err != nil {
		return err
	}
	want, n, err := digest(ctx, m.from, info.DashboardID, after, 0)
	if err != nil {
		return err
	}
	got, there, err := digest(ctx, m.to, info.DashboardID, after, 0)
	if err != nil {
		return err
	}
	built := true // on the same
	if after > 0 && after == m.begins[info.DashboardID] {
		a, err := m.from.Snapshot(ctx, info.DashboardID, after)
		if err != nil {
			return err
		}
		b, err := m.to.Snapshot(ctx, info.DashboardID, after)
		if err != nil {
			return err
		}
		built = a.Position == b.Position && bytes.Equal(a.Data, b.Data)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.Add(uint64(n))
	m.sums[info.DashboardID] = want
	switch {
	case n != there:
		m.differs = append(m.differs, fmt.Sprintf("%s has %s there, and %s here", info.DashboardID, count(int(there), "entry", "entries"), number(n)))
	case got != want:
		m.differs = append(m.differs, fmt.Sprintf("%s has other entries there", info.DashboardID))
	case !built:
		m.differs = append(m.differs, fmt.Sprintf("%s builds on another snapshot there", info.DashboardID))
	}
	return nil
}

// digest sums up a log after a position and up to another, 0 = to its end, and tells how many
// records that are.
func digest(ctx context.Context, j journal.Journal, id string, after, upTo journal.Position) (sum [sha256.Size]byte, n journal.Position, err error) {
	h := sha256.New()
	for rec, err := range j.Read(ctx, id, after) {
		if err != nil {
			return sum, n, err
		}
		if upTo > 0 && rec.Position > upTo {
			break
		}
		put(h, uint64(rec.Position), rec.Data)
		n++
	}
	h.Sum(sum[:0])
	return sum, n, nil
}

// put adds a numbered piece to a digest, so that pieces cannot run together.
func put(h hash.Hash, number uint64, data []byte) {
	fmt.Fprintf(h, "%d %d ", number, len(data))
	h.Write(data)
}

// sum is one for all dashboards, in the order of their ids.
func (m *migration) sum() []byte {
	h := sha256.New()
	for i, info := range m.all {
		put(h, uint64(i), []byte(info.DashboardID))
		sum := m.sums[info.DashboardID]
		put(h, uint64(i), sum[:])
	}
	return h.Sum(nil)
}
