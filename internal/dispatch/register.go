package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/webhook"
)

// forgetAfter is how long a target that is no longer in the settings is remembered: put
// back before, it is told of everything since.
const forgetAfter = 30 * 24 * time.Hour

// page is how many dashboards or cursors are read at a time.
const page = 500

// registrations reads what is remembered, and forgets what has not been used for long.
func (d *Dispatcher) registrations(ctx context.Context) (map[string]*webhook.Registration, error) {
	store := d.cfg.Webhooks.Store
	list, err := store.Registrations(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*webhook.Registration)
	now := d.cfg.Clock.Now()
	for i := range list {
		r := &list[i]
		switch used := slices.ContainsFunc(d.cfg.Webhooks.Targets, func(t webhook.Target) bool { return t.Name == r.Name }); {
		case used:
			known[r.Name] = r
		case r.Unused.IsZero():
			r.Unused = now
			err = store.Register(ctx, *r)
		case now.Sub(r.Unused) > forgetAfter:
			d.cfg.Log.Info("webhook: a target that is in the settings no more is forgotten", "target", r.Name)
			err = store.Forget(ctx, r.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// none are patterns that fit no dashboard.
var none = []string{""}

// register begins a target, or goes on with one.
func (d *Dispatcher) register(ctx context.Context, t *webhook.Target, known *webhook.Registration) (webhook.Registration, error) {
	now := d.cfg.Clock.Now()
	hash := sha256.Sum256([]byte(t.URL))
	reg := webhook.Registration{Name: t.Name, Dashboards: t.Dashboards, Address: hex.EncodeToString(hash[:]), Since: now}
	if !t.Gets(webhook.Committed) {
		reg.Dashboards = none
	}
	before := webhook.Target{Dashboards: none}
	if known != nil {
		reg.Since = known.Since
		if known.Address == reg.Address {
			reg.Disabled = known.Disabled
		}
		before.Dashboards = known.Dashboards
	}
	if t.Gets(webhook.Committed) && (known == nil || !slices.Equal(known.Dashboards, reg.Dashboards)) {
		n, err := d.baseline(ctx, t, func(id string) bool { return t.Wants(id) && !before.Wants(id) })
		if err != nil {
			return reg, err
		}
		d.cfg.Log.Info("webhook: a target begins", "target", t.Name, "dashboards", n, "fromStart", t.FromStart)
	}
	if known == nil || known.Address != reg.Address || !known.Unused.IsZero() || !slices.Equal(known.Dashboards, reg.Dashboards) {
		return reg, d.cfg.Webhooks.Store.Register(ctx, reg)
	}
	return reg, nil
}

// baseline puts the cursors of dashboards that a target did not get before to their
// heads, or to the start.
func (d *Dispatcher) baseline(ctx context.Context, t *webhook.Target, isNew func(id string) bool) (n int, err error) {
	for after := ""; ; {
		infos, err := d.cfg.Journal.List(ctx, after, page)
		if err != nil {
			return n, err
		}
		cursors := make([]webhook.Cursor, 0, len(infos))
		for _, info := range infos {
			if isNew(info.DashboardID) {
				cursors = append(cursors, begin(t, info))
			}
			after = info.DashboardID
		}
		if len(cursors) > 0 {
			if err := d.cfg.Webhooks.Store.Save(ctx, cursors, nil); err != nil {
				return n, err
			}
			n += len(cursors)
		}
		if len(infos) < page {
			return n, nil
		}
	}
}

// begin is where a target begins on a dashboard that is there already.
func begin(t *webhook.Target, info journal.Info) webhook.Cursor {
	c := webhook.Cursor{Target: t.Name, DashboardID: info.DashboardID}
	if t.FromStart {
		return c
	}
	c.Position = info.Head
	if s, err := room.ParseSummary(info.Summary); err == nil {
		c.Epoch, c.Version = s.Epoch, s.Version
	}
	return c
}

// scan goes through dashboards after an id and gathers up to room of those that the
// target was not told all of. It returns where to go on, "" if it has come to the end.
func (l *lane) scan(ctx context.Context, after string, room int) (ids []string, at string, err error) {
	d := l.d
	if err := d.ledger.flush(ctx); err != nil {
		return nil, after, err
	}
	for {
		infos, err := d.cfg.Journal.List(ctx, after, page)
		if err != nil {
			return ids, after, fmt.Errorf("listing dashboards: %w", err)
		}
		cursors, err := d.cfg.Webhooks.Store.Cursors(ctx, l.target.Name, after, page)
		if err != nil {
			return ids, after, err
		}
		end := "" // up to here both pages are whole; "" = to the end
		if len(infos) == page {
			end = infos[page-1].DashboardID
		}
		if len(cursors) == page && (end == "" || cursors[page-1].DashboardID < end) {
			end = cursors[page-1].DashboardID
		}
		for len(infos) > 0 || len(cursors) > 0 {
			id, info, c := "", journal.Info{}, webhook.Cursor{}
			if len(infos) > 0 {
				id = infos[0].DashboardID
			}
			if len(cursors) > 0 && (id == "" || cursors[0].DashboardID < id) {
				id = cursors[0].DashboardID
			}
			if end != "" && id > end {
				break
			}
			if len(infos) > 0 && infos[0].DashboardID == id {
				info, infos = infos[0], infos[1:]
			}
			if len(cursors) > 0 && cursors[0].DashboardID == id {
				c, cursors = cursors[0], cursors[1:]
			}
			if l.target.Wants(id) && behind(info, c) {
				if len(ids) == room {
					return ids, after, nil
				}
				ids = append(ids, id)
			}
			after = id
		}
		if end == "" {
			return ids, "", nil
		}
		after = end
	}
}

// behind reports whether a log may hold what a cursor has not come to, or another log
// stands there. What waits for its time to be tried again comes by itself.
func behind(info journal.Info, c webhook.Cursor) bool {
	if !c.NextAttempt.IsZero() {
		return false
	}
	if info.Head != c.Position || c.Epoch == "" {
		return info.Head != c.Position
	}
	s, err := room.ParseSummary(info.Summary)
	return err == nil && (s.Epoch != c.Epoch || s.Version != c.Version)
}
