package httpapi

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// counting counts the dashboards that are listed.
type counting struct {
	journal.Journal
	listed atomic.Int64
}

func (c *counting) List(ctx context.Context, after string, limit int) ([]journal.Info, error) {
	infos, err := c.Journal.List(ctx, after, limit)
	c.listed.Add(int64(len(infos)))
	return infos, err
}

// TestH3_ListPassesOverWhatGrantsCannotReach: somebody whose few dashboards stand behind
// very many of others gets them with the first page, and those others are not read.
func TestH3_ListPassesOverWhatGrantsCannotReach(t *testing.T) {
	j := &counting{Journal: memjournal.New(memjournal.Options{})}
	ids := []string{"team-1", "team-2", "zoo"}
	for i := range 2 * listScan {
		ids = append(ids, fmt.Sprintf("other-%06d", i))
	}
	for _, id := range ids {
		a := journal.Append{DashboardID: id, Records: [][]byte{{'x'}}, Summary: []byte(`{"epoch":"e","version":1,"widgets":0}`)}
		if _, err := j.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	n := startOn(t, j, func(c *Config) { c.Authenticator = people })
	page := n.do("GET", "/api/dashboards?limit=1", "", as("ana")).want(200).has(`"team-1"`, "dashboards", 0, "id")
	n.do("GET", "/api/dashboards?limit=1&cursor="+unquoted(t, page.at("next")), "", as("ana")).want(200).
		has(`"team-2"`, "dashboards", 0, "id").has("null", "next")
	n.do("GET", "/api/dashboards", "", as("dot")).want(200).has("[]", "dashboards").has("null", "next")
	if got := j.listed.Load(); got > 2*listChunk {
		t.Errorf("%d dashboards were read", got)
	}
}
