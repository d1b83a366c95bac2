package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/words"
)

// auditFilter are the flags by which an auditor asks.
type auditFilter struct {
	Audit  bool     `group:"audit" help:"tell of each entry by itself, and what operators did"`
	User   string   `group:"audit" placeholder:"ID" help:"only what this user did"`
	Widget string   `group:"audit" placeholder:"ID" help:"only what was done to this widget"`
	Path   string   `group:"audit" placeholder:"POINTER" help:"only changes there, in a widget or the settings: /config/unit"`
	Type   []string `group:"audit" placeholder:"TYPE,…" help:"only entries of these types: WIDGET_DELETE"`
	Until  string   `group:"audit" placeholder:"WHEN" help:"only what was before, as in --since"`
	JSON   bool     `name:"json" group:"audit" help:"a JSON object for each line"`
}

func (f *auditFilter) on() bool {
	return f.Audit || f.User != "" || f.Widget != "" || f.Path != "" || len(f.Type) > 0 || f.Until != "" || f.JSON
}

// act is a line of an audit as the server tells it.
type act struct {
	Seq       uint64            `json:"seq"`
	Time      time.Time         `json:"time"`
	User      string            `json:"user"`
	Client    string            `json:"client"`
	Via       string            `json:"via"`
	Remote    string            `json:"remote"`
	Dashboard string            `json:"dashboard"`
	Epoch     string            `json:"epoch"`
	Version   uint64            `json:"version"`
	What      string            `json:"what"`
	Blind     bool              `json:"blind"`
	text      jsontext.RawValue // as it came
}

// standing is how far a dashboard was followed.
type standing struct {
	epoch   string
	version uint64
}

// auditTail is one run of tail as an auditor sees it.
type auditTail struct {
	*tail
	cmd    *tailCmd
	query  url.Values // the filter
	errs   io.Writer
	stands map[string]standing
	// operators tells whether what operators did is shown, newest how far that was read:
	// a cursor of the server's, or a number in the file.
	operators bool
	newest    string
	path      string // of the file with what operators did, if no server is asked
}

// runAudit tells what was, and follows what happens.
func (c *tailCmd) runAudit(p *program, t *tail, since since, file bool) error {
	if c.Since != "" && since.at.IsZero() {
		return refuse("--since %s is a version; pass a time such as 10m together with --audit and its filters", c.Since)
	}
	a := &auditTail{
		tail: t, cmd: c, errs: p.err, stands: make(map[string]standing), query: url.Values{},
		operators: c.ID == "" && c.Widget == "" && c.Path == "" && len(c.Type) == 0,
	}
	if file {
		a.path = auditPath(c.AuditLog, t.name)
		a.operators = a.operators && a.path != ""
	}
	for name, value := range map[string]string{"user": c.User, "widget": c.Widget, "path": c.Path, "type": strings.Join(c.Type, ",")} {
		if value != "" {
			a.query.Set(name, value)
		}
	}
	if !since.at.IsZero() {
		a.query.Set("since", since.at.Format(time.RFC3339Nano))
	}
	if c.Until != "" {
		until, err := (&tailCmd{ID: c.ID, Since: c.Until}).since(time.Now())
		if err != nil || until.at.IsZero() {
			return refuse("--until: %q is no time; write it like 10m, 2d or 2026-11-22", c.Until)
		}
		a.query.Set("until", until.at.Format(time.RFC3339Nano))
	}
	fromNow := c.Since == "" && since.last == 0
	if fromNow {
		since.last = 1 // to find out where now is
	}
	acts, err := a.look(p.ctx, since.last)
	if err != nil {
		return err
	}
	if fromNow {
		acts = nil
	}
	if since.last > 0 && len(acts) > since.last {
		acts = acts[len(acts)-since.last:]
	}
	a.show(acts)
	switch {
	case c.ID != "" && a.stands[c.ID].version == 0:
		err := a.absent(p.ctx, c.ID)
		if !c.Follow || c.Until != "" || file {
			return err
		}
		fmt.Fprintf(p.err, "Following %s; %s.\n", t.name, err)
	case !c.Follow || c.Until != "":
		return nil
	case file:
		fmt.Fprintf(p.err, "That is all in %s; to follow what happens, name the server with --server.\n", t.name)
		return nil
	}
	return a.followOn(p.ctx)
}

// followOn tells what is new, until ctx ends, over lost connections too.
func (a *auditTail) followOn(ctx context.Context) error {
	wait := time.NewTicker(time.Second)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		acts, err := a.look(ctx, 0)
		var refused *problem
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &refused) && refused.Status < 500 && refused.Code != "RATE_LIMITED":
			return err
		}
		a.show(acts) // what was read before something went wrong, too
	}
}

// look reads what has come since it last did, the oldest first. With last, it reads no
// more than that of each dashboard.
func (a *auditTail) look(ctx context.Context, last int) ([]act, error) {
	var acts []act
	heads, err := a.heads(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range heads {
		from := a.stands[h.id]
		if from == h.standing {
			continue
		}
		if from.epoch != h.epoch {
			from = standing{}
		}
		more, err := a.edits(ctx, h.id, from.version, last)
		if err != nil {
			return acts, err
		}
		acts = append(acts, more...)
		a.stands[h.id] = h.standing
		for _, one := range more { // it may have moved on since
			if one.Version > a.stands[h.id].version {
				a.stands[h.id] = standing{one.Epoch, one.Version}
			}
		}
	}
	if a.operators {
		more, err := a.operated(ctx, last)
		if err != nil {
			return acts, err
		}
		acts = append(acts, more...)
	}
	slices.SortStableFunc(acts, func(x, y act) int { return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.Version, y.Version)) })
	return acts, nil
}

// head is where a dashboard stands.
type head struct {
	id string
	standing
}

func (a *auditTail) heads(ctx context.Context) ([]head, error) {
	if !a.all {
		var page historyPage
		err := a.get(ctx, "/api/dashboards/"+url.PathEscape(a.cmd.ID)+"/history", url.Values{"limit": {"1"}}, &page)
		return []head{{a.cmd.ID, standing{page.Epoch, page.Version}}}, err
	}
	list, err := a.list(ctx, url.Values{})
	heads := make([]head, len(list))
	for i, d := range list {
		heads[i] = head{d.ID, standing{d.Epoch, d.Version}}
	}
	return heads, err
}

// auditAnswer is a page of an audit.
type auditAnswer struct {
	Entries []jsontext.RawValue `json:"entries"`
	Next    *string             `json:"next"`
	Newest  string              `json:"newest"`
}

// pages reads pages until there is no next, or as many lines as asked for.
func (t *tail) pages(ctx context.Context, path string, query url.Values, last int) (acts []act, newest string, err error) {
	for {
		var page auditAnswer
		if err := t.get(ctx, path, query, &page); err != nil {
			return nil, "", err
		}
		if newest == "" {
			newest = page.Newest
		}
		for _, text := range page.Entries {
			one := act{text: text}
			if err := jsontext.Decode(text, &one); err != nil {
				return nil, "", fmt.Errorf("the answer of %s cannot be read: %w", t.name, err)
			}
			acts = append(acts, one)
		}
		if page.Next == nil || last > 0 && len(acts) >= last {
			return acts, newest, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// edits reads what was done to one dashboard after a version.
func (a *auditTail) edits(ctx context.Context, id string, after uint64, last int) ([]act, error) {
	query := url.Values{"limit": {"200"}, "after": {strconv.FormatUint(after, 10)}}
	for name, values := range a.query {
		query[name] = values
	}
	if last > 0 {
		query.Set("limit", strconv.Itoa(min(last, 1000)))
	}
	acts, _, err := a.pages(ctx, "/api/dashboards/"+url.PathEscape(id)+"/audit", query, last)
	var refused *problem
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil, nil // it was deleted at this moment
	}
	return acts, err
}

// operated reads what operators did. To who may not ask for that, it is said once.
func (a *auditTail) operated(ctx context.Context, last int) ([]act, error) {
	if a.path != "" {
		return a.operatedInFile(ctx, last)
	}
	query := url.Values{"source": {"admin"}, "limit": {"200"}}
	for name, values := range a.query {
		query[name] = values
	}
	if a.newest != "" {
		query.Set("after", a.newest)
	}
	acts, newest, err := a.pages(ctx, "/api/admin/audit", query, last)
	var refused *problem
	if errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound) {
		a.operators = false
		fmt.Fprintf(a.errs, "What operators did is not shown: %s.\n", words.Printable(refused.Detail))
		return nil, nil
	}
	a.newest = cmp.Or(newest, a.newest)
	return acts, err
}

// operatedInFile reads the same from the file, page by page.
func (a *auditTail) operatedInFile(ctx context.Context, last int) ([]act, error) {
	since, _ := time.Parse(time.RFC3339Nano, a.query.Get("since"))
	until, always := time.Parse(time.RFC3339Nano, a.query.Get("until"))
	query := audit.Query{Limit: 1000, Match: func(l *audit.Line) bool {
		return (a.cmd.User == "" || l.User == a.cmd.User) && !l.Time.Before(since) && (always != nil || l.Time.Before(until))
	}}
	var acts []act
	for {
		page, err := audit.Read(ctx, a.path, query)
		if err != nil {
			return nil, err
		}
		for _, l := range page.Lines {
			text, err := jsontext.Encode(l)
			if err != nil {
				return nil, err
			}
			acts = append(acts, act{
				Seq: l.Seq, Time: l.Time, User: l.User, Via: l.Via, Remote: l.From, What: words.Action(l.Name, l.Details, l.Count), text: text,
			})
		}
		if page.Next == 0 || last > 0 && len(acts) >= last {
			return acts, nil
		}
		query.Before = page.Next
	}
}

// show prints lines, for people or as JSON.
func (a *auditTail) show(acts []act) {
	for _, one := range acts {
		if a.cmd.JSON {
			fmt.Fprintf(a.out, "%s\n", one.text)
			continue
		}
		l := line{at: one.Time, dashboard: one.Dashboard, version: one.Version, who: words.Printable(cmp.Or(one.User, "somebody")), what: words.Printable(one.What)}
		if one.Seq > 0 {
			l.dashboard, l.version = "(server)", one.Seq
			l.who = words.Printable(cmp.Or(one.User, one.Via, "nobody"))
		}
		var marks []string
		if one.Blind {
			marks = append(marks, "blind")
		}
		for _, mark := range []string{one.Via, one.Remote} {
			if mark != "" && mark != l.who {
				marks = append(marks, words.Printable(mark))
			}
		}
		if len(marks) > 0 {
			l.what += "  [" + strings.Join(marks, ", ") + "]"
		}
		a.print(l)
	}
}
