package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/internal/words"
)

// tailCmd follows what happens on dashboards.
type tailCmd struct {
	ID     string `arg:"" optional:"" name:"id" help:"the dashboard (default all of them)"`
	Since  string `placeholder:"WHEN" help:"how far to look back: 10m, 2d, 2026-11-22, or a version (with ID)"`
	Last   int    `short:"n" default:"10" help:"entries to look back, if --since is not given"`
	Follow bool   `negatable:"" default:"true" help:"go on with what happens from now"`
	targetFlags
	auditFilter
	auditFile
}

// Help implements kong.HelpProvider.
func (tailCmd) Help() string {
	return `Tells who changes what, in words: first from the history, then as it happens. With
--audit or one of its filters, each entry by itself, with its marks and credentials.

dashwire tail ops --since 1h --user ana`
}

// Run implements the command.
func (c *tailCmd) Run(p *program, cmd *kong.Context) (err error) {
	since, err := c.since(time.Now())
	if err != nil {
		return err
	}
	t, err := c.open(p.ctx, cmd, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	tail := &tail{target: t, out: p.out, all: c.ID == "", watched: make(map[string]*watched)}
	_, file := t.client.Transport.(inProcess)
	if c.auditFilter.on() {
		return c.runAudit(p, tail, since, file)
	}
	ids := []string{c.ID}
	if tail.all {
		if ids, err = tail.ids(p.ctx); err != nil {
			return err
		}
	}
	var lines []line
	for _, id := range ids {
		more, err := tail.begin(p.ctx, id, since)
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	if since.last > 0 && len(lines) > since.last {
		lines = lines[len(lines)-since.last:]
	}
	for _, l := range lines {
		tail.print(l)
	}
	w := tail.watched[c.ID]
	switch {
	case w != nil && w.version == 0:
		err := tail.absent(p.ctx, c.ID)
		if !c.Follow || file {
			return err
		}
		fmt.Fprintf(p.err, "Following %s; %s.\n", t.name, err)
	case !c.Follow:
		return nil
	case file:
		fmt.Fprintf(p.err, "That is all in %s; to follow what happens, name the server with --server.\n", t.name)
		return nil
	case len(lines) == 0:
		fmt.Fprintf(p.err, "Following %s; nothing has happened yet.\n", t.name)
	}
	if err := tail.follow(p.ctx); p.ctx.Err() == nil {
		return err
	}
	return nil
}

// since is where to begin: after a version, at a time, or with the last few.
type since struct {
	version uint64
	at      time.Time
	last    int
}

func (c *tailCmd) since(now time.Time) (since, error) {
	if c.Since == "" {
		if c.Last < 0 {
			return since{}, refuse("--last must not be negative")
		}
		return since{last: c.Last, version: 1<<63 - 1}, nil
	}
	if v, err := strconv.ParseUint(c.Since, 10, 53); err == nil {
		if c.ID == "" {
			return since{}, refuse("--since %s is a version, and each dashboard has its own: name one, or pass a time such as 10m", c.Since)
		}
		return since{version: v}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime} {
		if at, err := time.ParseInLocation(layout, c.Since, time.Local); err == nil {
			return since{at: at}, nil
		}
	}
	if at, err := time.Parse(time.RFC3339, c.Since); err == nil {
		return since{at: at}, nil
	}
	var d span
	if err := d.UnmarshalText([]byte(c.Since)); err != nil {
		return since{}, refuse("--since: %q is no time and no version; write it like 10m, 2d, 2026-11-22 or 41", c.Since)
	}
	return since{at: now.Add(-time.Duration(d))}, nil
}

// line is one thing that happened.
type line struct {
	at        time.Time
	dashboard string
	version   uint64
	who       string
	what      string
}

// watched is a dashboard as far as it was followed.
type watched struct {
	epoch   string
	version uint64
	doc     *board.Document // nil = not known
	part    *wire.SyncPart  // of an answer that comes in several
}

// tail is one run of the command.
type tail struct {
	*target
	out     io.Writer
	all     bool
	watched map[string]*watched
	day     string // of the last line
}

func (t *tail) print(l line) {
	at := l.at.Local()
	if day := at.Format("Monday, 2 January 2006"); day != t.day {
		if t.day != "" || day != time.Now().Format("Monday, 2 January 2006") {
			fmt.Fprintln(t.out, day)
		}
		t.day = day
	}
	dashboard := ""
	if t.all {
		dashboard = fmt.Sprintf("%-12s ", words.Printable(l.dashboard))
	}
	version := ""
	if l.version > 0 {
		version = strconv.FormatUint(l.version, 10)
	}
	fmt.Fprintf(t.out, "%s  %s%5s  %-10s %s\n", at.Format(time.TimeOnly), dashboard, version, l.who, l.what)
}

// most dashboards that are followed at once.
const mostFollowed = 100

func (t *tail) ids(ctx context.Context) ([]string, error) {
	list, err := t.list(ctx, url.Values{})
	if err != nil {
		return nil, err
	}
	if len(list) > mostFollowed {
		return nil, refuse("there are %d dashboards and %d can be followed at once: name one", len(list), mostFollowed)
	}
	ids := make([]string, len(list))
	for i, d := range list {
		ids[i] = d.ID
	}
	return ids, nil
}

// historyPage is a page of the history.
type historyPage struct {
	Epoch   string              `json:"epoch"`
	Version uint64              `json:"version"`
	Entries []jsontext.RawValue `json:"entries"`
	Next    *uint64             `json:"next"`
}

// begin reads the history of a dashboard and starts watching it.
func (t *tail) begin(ctx context.Context, id string, s since) ([]line, error) {
	path := "/api/dashboards/" + url.PathEscape(id)
	var entries []*board.Entry // newest first
	w := &watched{}
	query := url.Values{"limit": {"200"}}
	for enough := false; !enough; {
		var page historyPage
		if err := t.get(ctx, path+"/history", query, &page); err != nil {
			return nil, err
		}
		if w.epoch == "" {
			w.epoch, w.version = page.Epoch, page.Version
		}
		for _, raw := range page.Entries {
			e, err := board.ParseEnvelope(board.Value(raw))
			if err != nil {
				return nil, fmt.Errorf("the history of %s cannot be read: %w", id, err)
			}
			enough = s.last > 0 && len(entries) >= s.last || s.at.After(e.Time) || s.last == 0 && e.Version <= s.version
			if enough {
				break
			}
			entries = append(entries, e)
		}
		if page.Next == nil || s.last == 0 && s.version == 1<<63-1 {
			break
		}
		query.Set("before", strconv.FormatUint(*page.Next, 10))
	}
	slices.Reverse(entries)
	t.watched[id] = w
	if err := t.documentAt(ctx, id, w, w.version-uint64(len(entries))); err != nil {
		return nil, err
	}
	lines := make([]line, 0, len(entries))
	for _, e := range entries {
		lines = append(lines, w.apply(e))
	}
	return lines, nil
}

// absent says of a dashboard that is not there whether it was deleted, when and by whom, as
// far as this user may know: administrators from its log, owners from the list of what
// they can bring back.
func (t *tail) absent(ctx context.Context, id string) error {
	acts, _, err := t.pages(ctx, "/api/admin/audit", url.Values{"dashboard": {id}, "type": {string(board.TypeDashboardDelete)}, "limit": {"1"}}, 1)
	if err == nil && len(acts) > 0 {
		return fmt.Errorf("the dashboard %s was deleted %s by %s", id, acts[0].Time.Local().Format(time.DateTime), words.Printable(cmp.Or(acts[0].User, "somebody")))
	}
	deleted, _ := t.list(ctx, url.Values{"deleted": {"true"}, "q": {id}}) // none if it cannot be read
	for _, d := range deleted {
		if d.ID == id {
			return fmt.Errorf("the dashboard %s was deleted %s", id, d.Deleted.Local().Format(time.DateTime))
		}
	}
	return fmt.Errorf("there is no dashboard %s", id)
}

// documentAt reads a dashboard as it was, if the log still has it.
func (t *tail) documentAt(ctx context.Context, id string, w *watched, version uint64) error {
	if version == 0 {
		w.doc = board.NewState(id).Document()
		return nil
	}
	var raw jsontext.RawValue
	err := t.get(ctx, "/api/dashboards/"+url.PathEscape(id)+"/versions/"+strconv.FormatUint(version, 10), nil, &raw)
	var refused *problem
	if errors.As(err, &refused) {
		return nil // told by ids then
	}
	if err != nil {
		return err
	}
	if v, bad := board.ParseValue(raw); bad == nil {
		if doc, bad := board.ParseDocument(v); bad == nil {
			w.doc = doc
		}
	}
	return nil
}

// apply describes an entry and goes past it.
func (w *watched) apply(e *board.Entry) line {
	l := line{at: e.Time, dashboard: e.DashboardID, version: e.Version, who: words.Person(e.Author), what: words.Entry(e, w.doc)}
	w.epoch, w.version = e.Epoch, e.Version
	if w.doc != nil {
		w.doc = e.Change.ApplyTo(w.doc)
	}
	return l
}

// follow prints what happens until ctx ends, over lost connections too.
func (t *tail) follow(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		began := time.Now()
		err := t.stream(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && !t.all && len(t.watched) == 0 {
			return nil // it was deleted
		}
		if err == nil {
			continue // there is more to follow now
		}
		var refused *problem
		if errors.As(err, &refused) && refused.Status < 500 && refused.Code != "RATE_LIMITED" {
			return err
		}
		if time.Since(began) > 10*time.Second {
			wait = 0
		}
		wait = min(max(2*wait, 250*time.Millisecond), 5*time.Second)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lookAgain is how often a new dashboard is looked for.
const lookAgain = 2 * time.Second

// stream follows one connection until it ends, or until there is a dashboard that it
// does not follow.
func (t *tail) stream(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	messages := make(chan wire.ServerMessage)
	ended := make(chan error, 1)
	if len(t.watched) > 0 {
		body, err := t.events(ctx)
		if err != nil {
			return err
		}
		defer body.Close()
		go func() { ended <- readEvents(ctx, body, messages) }()
	}
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		select {
		case m := <-messages:
			t.message(m)
			if !t.all && len(t.watched) == 0 {
				return nil
			}
		case err := <-ended:
			return err
		case <-look.C:
			if fresh, err := t.lookForNew(ctx); err != nil || fresh {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lookForNew begins to watch dashboards that were not there before.
func (t *tail) lookForNew(ctx context.Context) (bool, error) {
	if !t.all {
		return false, nil
	}
	ids, err := t.ids(ctx)
	if err != nil {
		return false, err
	}
	fresh := false
	for _, id := range ids {
		if t.watched[id] != nil {
			continue
		}
		lines, err := t.begin(ctx, id, since{})
		if err != nil {
			return false, err
		}
		for _, l := range lines {
			t.print(l)
		}
		fresh = true
	}
	return fresh, nil
}

// message prints what a message of the server tells.
func (t *tail) message(m wire.ServerMessage) {
	switch {
	case m.Entry != nil:
		if w := t.watched[m.Entry.DashboardID]; w != nil {
			t.print(w.apply(m.Entry))
		}
	case m.Sync != nil:
		t.synced(m.Sync)
	case m.Update != nil:
		t.updated(m.Update, m.Time)
	case m.Nack != nil && m.Nack.Err != nil:
		t.print(line{at: m.Time, who: "server", what: words.Printable(m.Nack.Err.Message)})
	}
}

// synced takes the answer to a subscription: what was missed, or all of it anew.
func (t *tail) synced(s *wire.SyncPart) {
	w := t.watched[s.DashboardID]
	if w == nil {
		return
	}
	if w.part != nil {
		w.part.Join(s)
		s = w.part
	} else if s.Part < s.Parts {
		w.part = s
	}
	if s.Part < s.Parts {
		return
	}
	w.part = nil
	for _, e := range s.Entries {
		t.print(w.apply(e))
	}
	if s.Document == nil {
		return
	}
	if s.Version == 0 && w.version > 0 {
		t.closed(s.DashboardID, wire.ClosedDeleted, time.Now())
		return
	}
	if s.Epoch != w.epoch && w.epoch != "" {
		t.print(line{at: time.Now(), dashboard: s.DashboardID, version: s.Version, who: "server", what: "began the dashboard anew"})
	} else if n := s.Version - w.version; n > 0 && s.Version > w.version {
		t.print(line{
			at: time.Now(), dashboard: s.DashboardID, version: s.Version, who: "several",
			what: fmt.Sprintf("made %s while this was not connected", count(n, "change", "changes")),
		})
	}
	w.epoch, w.version, w.doc = s.Epoch, s.Version, s.Document
}

// updated takes several versions at once, or the end of a dashboard.
func (t *tail) updated(u *wire.SyncUpdate, at time.Time) {
	w := t.watched[u.DashboardID]
	if w == nil {
		return
	}
	switch {
	case u.Closed != "":
		t.closed(u.DashboardID, u.Closed, at)
	case u.Change != nil:
		what := slices.Concat([]string{fmt.Sprintf("%d changes at once", u.To-u.From)}, words.Change(u.Change, w.doc))
		t.print(line{at: at, dashboard: u.DashboardID, version: u.To, who: "several", what: words.List(what)})
		w.version = u.To
		if w.doc != nil {
			w.doc = u.Change.ApplyTo(w.doc)
		}
	}
}

// closed stops watching a dashboard.
func (t *tail) closed(id, why string, at time.Time) {
	what := "the dashboard was deleted"
	if why == wire.ClosedForbidden {
		what = "the dashboard may not be seen any more"
	}
	t.print(line{at: at, dashboard: id, who: "server", what: what})
	delete(t.watched, id)
}

// events opens the stream of everything after what is known.
func (t *tail) events(ctx context.Context) (io.ReadCloser, error) {
	type position struct {
		Epoch   string `json:"epoch"`
		Version uint64 `json:"version"`
	}
	from := make(map[string]position)
	query := url.Values{}
	for id, w := range t.watched {
		query.Add("dashboardId", id)
		from[id] = position{w.epoch, w.version}
		w.part = nil
	}
	slices.Sort(query["dashboardId"])
	text, err := jsontext.Encode(from)
	if err != nil {
		return nil, err
	}
	query.Set("since", string(text))
	res, err := t.do(ctx, "GET", "/api/realtime/events", query, nil, nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}
