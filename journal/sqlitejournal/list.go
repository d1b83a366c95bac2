package sqlitejournal

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// List implements journal.Journal.
func (j *Journal) List(ctx context.Context, afterID string, limit int) ([]journal.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list dashboards: %w", err)
	}
	if limit <= 0 {
		return nil, nil
	}
	// Memory before tables, as in step.
	recent := j.tails.list(afterID, limit)
	infos := recent[:len(recent):len(recent)]
	err := j.read(ctx, func(c *conn) error {
		const sql = "SELECT id, head, time, summary FROM dashboards WHERE id > ? AND head > 0 ORDER BY id LIMIT ?"
		return c.query(ctx, sql, func(v []driver.Value) error {
			id, _ := v[0].(string)
			head, _ := v[1].(int64)
			at, _ := v[2].(int64)
			summary, _ := v[3].([]byte)
			_, found := slices.BinarySearchFunc(recent, id, func(i journal.Info, id string) int {
				return strings.Compare(i.DashboardID, id)
			})
			if !found {
				infos = append(infos, journal.Info{
					DashboardID: id, Head: journal.Position(head), Time: time.UnixMilli(at), Summary: summary,
				})
			}
			return nil
		}, afterID, int64(limit))
	})
	if err != nil {
		return nil, readError("list dashboards", "after "+afterID, err)
	}
	slices.SortFunc(infos, func(a, b journal.Info) int { return strings.Compare(a.DashboardID, b.DashboardID) })
	return infos[:min(len(infos), limit)], nil
}

// list returns what is known in memory of up to limit logs after an id, in order.
func (x *tails) list(afterID string, limit int) []journal.Info {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []string
	for id, t := range x.byID {
		if id > afterID && len(t.records) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = ids[:min(len(ids), limit)]
	infos := make([]journal.Info, len(ids))
	for i, id := range ids {
		t := x.byID[id]
		infos[i] = journal.Info{DashboardID: id, Head: t.head, Time: time.UnixMilli(t.time), Summary: bytes.Clone(t.summary)}
	}
	return infos
}
