package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// listTogether is how many logs one request asks the ends of.
const listTogether = 100

// List implements journal.Journal. It costs a page of the directory for about two
// hundred dashboards, and the last message of each one listed.
func (j *Journal) List(ctx context.Context, afterID string, limit int) ([]journal.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list dashboards: %w", err)
	}
	if limit <= 0 {
		return nil, nil
	}
	var infos []journal.Info
	for len(infos) < limit {
		var ids []string
		var more bool
		err := j.patiently(ctx, func() (err error) {
			ids, more, err = j.idsAfter(ctx, afterID)
			return err
		})
		if err != nil {
			return nil, failed(ctx, "list", "dashboards", err)
		}
		for len(ids) > 0 && len(infos) < limit {
			some := ids[:min(len(ids), listTogether, limit-len(infos))]
			found, err := j.infos(ctx, some)
			if err != nil {
				return nil, failed(ctx, "list", "dashboards", err)
			}
			infos = append(infos, found...)
			afterID = some[len(some)-1]
			ids = ids[len(some):]
		}
		if !more && len(ids) == 0 {
			break
		}
	}
	return infos, nil
}

// idsAfter gives the ids after one from one page, or more pages if it is the last
// of its page, and whether there are more.
func (j *Journal) idsAfter(ctx context.Context, after string) (ids []string, more bool, err error) {
	_, p, err := j.pageFor(ctx, after)
	for err == nil {
		i, found := slices.BinarySearch(p.ids, after)
		if found {
			i++
		}
		more = p.next.token != ""
		if i < len(p.ids) || !more {
			return p.ids[i:], more, nil
		}
		p, err = j.readPage(ctx, p.next)
	}
	return nil, false, err
}

// infos reads the ends of some logs, in order of their ids; empty ones are left out.
func (j *Journal) infos(ctx context.Context, ids []string) ([]journal.Info, error) {
	byID := make(map[string]journal.Info, len(ids))
	missing := make([]string, len(ids))
	for i, id := range ids {
		missing[i] = j.subjects.log(id)
	}
	for len(missing) > 0 {
		var list []stored
		err := j.patiently(ctx, func() (err error) {
			list, err = j.get(ctx, j.stream, getRequest{MultiLast: missing})
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		// A server stops after some MiB; what is left is asked for again.
		for _, s := range list {
			missing = slices.DeleteFunc(missing, func(subject string) bool { return subject == s.subject })
			id, ok := j.subjects.logID(s.subject)
			if !ok {
				continue
			}
			m, err := decodeMessage(id, s.data)
			if errors.Is(err, journal.ErrCorrupt) {
				j.opts.Logger.Error("a dashboard is left out of the list", "dashboard", id, "message", s.seq, "err", err)
				continue
			}
			byID[id] = journal.Info{
				DashboardID: id, Head: m.last(), Time: time.UnixMilli(m.time), Summary: slices.Clip(m.summary),
			}
		}
	}
	infos := make([]journal.Info, 0, len(ids))
	for _, id := range ids {
		if info, ok := byID[id]; ok {
			infos = append(infos, info)
		}
	}
	return infos, nil
}
