package bench

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// nodeTally is what has been counted so far of one of several nodes that write the same
// dashboard.
type nodeTally struct {
	acked, refused uint64
	acks           Counts
	// lost are appends that another node was before; races are ops by how often that
	// happened to them, cumulated by the upper bounds of the metric's buckets.
	lost  float64
	races []raceBucket
}

// raceBucket is how many ops have lost up to so many races, but at least one.
type raceBucket struct {
	most string // a number, or +Inf
	ops  float64
}

// tallyRaces reads from each node's metrics how often it was not the first.
func (r *run) tallyRaces(ctx context.Context, nodes []nodeTally) error {
	for i := range nodes {
		text, err := r.requestAt(ctx, r.nodes[i], http.MethodGet, "/metrics", nil)
		if err != nil {
			return fmt.Errorf("how often node %d lost a race is in its metrics: %w", i+1, err)
		}
		nodes[i].lost, _ = metric(text, "dashwire_appends_lost_total")
		nodes[i].races = raceBuckets(text)
	}
	return nil
}

func raceBuckets(metrics []byte) []raceBucket {
	var list []raceBucket
	for line := range strings.Lines(string(metrics)) {
		rest, ok := strings.CutPrefix(line, `dashwire_op_races_lost_bucket{le="`)
		if !ok {
			continue
		}
		most, number, _ := strings.Cut(rest, `"} `)
		if n, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil {
			list = append(list, raceBucket{most, n})
		}
	}
	return list
}

// tellNode reports one node's share.
func (r *run) tellNode(i int, seconds float64, from, to nodeTally) {
	name := fmt.Sprintf("node %d: ", i+1)
	acks := to.acks.Since(from.acks)
	r.report.add(name+"edits acknowledged", float64(to.acked-from.acked)/seconds, "/s")
	r.report.add(name+"answer p50", millis(acks.Quantile(0.5)), "ms")
	r.report.add(name+"answer p99", millis(acks.Quantile(0.99)), "ms")
	r.report.add(name+"answer max", millis(acks.Quantile(1)), "ms")
	r.report.add(name+"refused, to be sent again", float64(to.refused-from.refused), "")
	r.report.add(name+"appends that lost the race", (to.lost-from.lost)/seconds, "/s")
	if len(to.races) != len(from.races) || len(to.races) == 0 {
		return // it does not tell
	}
	last := len(to.races) - 1
	all := to.races[last].ops - from.races[last].ops
	r.report.add(name+"edits that lost one or more", all/seconds, "/s")
	for k, b := range to.races {
		if b.ops-from.races[k].ops == all {
			if most, err := strconv.ParseFloat(b.most, 64); err == nil && all > 0 {
				r.report.add(name+"races lost by one edit, at most", most, "")
			}
			return
		}
	}
}
