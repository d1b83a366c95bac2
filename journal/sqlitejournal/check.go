package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

// Report is what Check found.
type Report struct {
	Dashboards, Records, Snapshots int
	// Damage lists everything that is wrong; empty means that all is well.
	Damage []Damage
}

// Damage is one thing that is wrong with a file.
type Damage struct {
	// DashboardID is empty for damage that is not one dashboard's.
	DashboardID string
	Err         error
}

// Check reads everything in the file and checks structure, order and checksums.
// On a journal in use it takes one dashboard after the other as they are at that
// moment. progress, if not nil, hears after each dashboard. The error is about
// checking itself; what is wrong with the file stands in the report.
func (j *Journal) Check(ctx context.Context, progress func(Report)) (Report, error) {
	var report Report
	bad := func(id string, err error) { report.Damage = append(report.Damage, Damage{id, err}) }
	err := j.read(ctx, func(c *conn) error {
		return c.query(ctx, "PRAGMA quick_check(20)", func(v []driver.Value) error {
			if s, _ := v[0].(string); s != "ok" {
				bad("", fmt.Errorf("%w: %s", journal.ErrCorrupt, s))
			}
			return nil
		})
	})
	if classify(err) == damaged {
		bad("", fmt.Errorf("%w: %w", journal.ErrCorrupt, err))
	} else if err != nil {
		return report, fmt.Errorf("check journal %s: %w", j.path, err)
	}
	for info, err := range journal.All(ctx, j) {
		if errors.Is(err, journal.ErrCorrupt) {
			bad("", err)
			return report, nil
		}
		if err != nil {
			return report, fmt.Errorf("check journal %s: %w", j.path, err)
		}
		if err := j.checkLog(ctx, info.DashboardID, &report); err != nil {
			if !errors.Is(err, journal.ErrCorrupt) {
				return report, fmt.Errorf("check journal %s: %w", j.path, err)
			}
			bad(info.DashboardID, err)
		}
		report.Dashboards++
		if progress != nil {
			progress(report)
		}
	}
	return report, nil
}

func (j *Journal) checkLog(ctx context.Context, id string, report *Report) error {
	oldest, err := j.Oldest(ctx, id)
	if err != nil {
		return err
	}
	for _, err := range j.Read(ctx, id, oldest) {
		if errors.Is(err, journal.ErrTrimmed) {
			return j.checkLog(ctx, id, report) // trimmed meanwhile
		}
		if err != nil {
			return err
		}
		report.Records++
	}
	err = j.read(ctx, func(c *conn) error {
		const sql = "SELECT s.position, s.time, s.crc, s.data FROM dashboards d JOIN snapshots s ON s.dashboard = d.key WHERE d.id = ?"
		return c.query(ctx, sql, func(v []driver.Value) error {
			p, _ := v[0].(int64)
			at, _ := v[1].(int64)
			crc, _ := v[2].(int64)
			data, _ := v[3].([]byte)
			report.Snapshots++
			if got := recordCRC(id, journal.Position(p), at, data); int64(got) != crc {
				return fmt.Errorf("%w: the snapshot at %d has checksum %08x, should be %08x", journal.ErrCorrupt, p, got, crc)
			}
			return nil
		}, id)
	})
	return readError("snapshots of", id, err)
}

// Oldest returns the position that reading can begin after: 0, unless older
// records were trimmed.
func (j *Journal) Oldest(ctx context.Context, dashboardID string) (journal.Position, error) {
	var r row
	err := j.read(ctx, func(c *conn) (err error) {
		r, err = readRow(ctx, c, dashboardID)
		return err
	})
	return r.trimmed, readError("read", dashboardID, err)
}
