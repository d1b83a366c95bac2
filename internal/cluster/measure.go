package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dashwire/dashwire/internal/bench"
)

// arrangements are those that edits and deliveries are measured in.
var arrangements = []arrangement{
	{replicas: 1, nats: 1, nodes: 1},
	{replicas: 1, nats: 1, nodes: 3},
	{replicas: 3, nats: 3, nodes: 1},
	{replicas: 3, nats: 3, nodes: 3},
}

// title is an arrangement in words.
func (a arrangement) title() string {
	return fmt.Sprintf("%s, %s", counted(a.replicas, "replica"), counted(a.nodes, "node"))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// load runs the generator and notes what was wrong.
func (o *options) load(ctx context.Context, r *report, what string, b bench.Options) (numbers, error) {
	if b.Duration == 0 {
		b.Duration = o.duration
	}
	got, err := bench.Run(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for _, f := range got.Faults {
		r.faults = append(r.faults, what+": "+f)
	}
	n := make(numbers)
	for _, v := range got.Numbers {
		n[v.Name] = v.Value
	}
	return n, nil
}

// numbers are what was measured, by name.
type numbers map[string]float64

// cells are some of them as they stand in a table.
func (n numbers) cells(names ...string) []string {
	var list []string
	for _, name := range names {
		v, ok := n[name]
		if !ok {
			list = append(list, "–")
			continue
		}
		list = append(list, short(v))
	}
	return list
}

const editDashboards = 90

// measureEdits: many dashboards, each edited at one node and read at the next.
func measureEdits(ctx context.Context, o *options, r *report) error {
	t := table{
		title: fmt.Sprintf("Edits: %d dashboards with an editor each, spread over the nodes, each read at the next node", editDashboards),
		heads: []string{"", "1 in flight: acknowledged/s", "ACK p50, ms", "p99, ms", "8 in flight: acknowledged/s", "ACK p50, ms", "p99, ms"},
	}
	for _, a := range arrangements {
		err := o.with(ctx, a, func(ctx context.Context, s *servers) error {
			row := []string{a.title()}
			for _, inFlight := range []int{1, 8} {
				what := fmt.Sprintf("edits, %s, %d in flight", a.title(), inFlight)
				n, err := o.load(ctx, r, what, bench.Options{Scenario: bench.Edits, Servers: s.urls, Dashboards: editDashboards, InFlight: inFlight})
				if err != nil {
					return err
				}
				o.tell("%s: %s/s", what, short(n["edits acknowledged"]))
				row = append(row, n.cells("edits acknowledged", "answer p50", "answer p99")...)
			}
			t.rows = append(t.rows, row)
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.tables = append(r.tables, t)
	return nil
}

// measureDelivery: from sending an edit to hearing of it, at the same node and at another.
func measureDelivery(ctx context.Context, o *options, r *report) error {
	t := table{
		title: "From an editor to 10 readers: one dashboard, 50 edits a second",
		heads: []string{"", "same node: p50, ms", "p99, ms", "other node: p50, ms", "p99, ms"},
	}
	for _, replicas := range []int{1, 3} {
		a := arrangement{replicas: replicas, nats: replicas, nodes: 2}
		err := o.with(ctx, a, func(ctx context.Context, s *servers) error {
			row := []string{counted(replicas, "replica")}
			for _, at := range []string{"", s.urls[1]} {
				what := fmt.Sprintf("delivery, %s, readers at %s", counted(replicas, "replica"), map[bool]string{true: "the same node", false: "another"}[at == ""])
				n, err := o.load(ctx, r, what, bench.Options{Scenario: bench.Paced, Server: s.urls[0], ReadersAt: at, Readers: 10, Rate: 50})
				if err != nil {
					return err
				}
				o.tell("%s: p50 %s ms", what, short(n["delivery p50"]))
				row = append(row, n.cells("delivery p50", "delivery p99")...)
			}
			t.rows = append(t.rows, row)
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.tables = append(r.tables, t)
	return nil
}

// measureShared: one dashboard that is written at one, two and three nodes.
func measureShared(ctx context.Context, o *options, r *report) error {
	t := table{
		title: "One dashboard, written at several nodes: four editors at each, 8 edits in flight",
		heads: []string{"", "acknowledged/s", "at each node", "ACK p99 at each, ms", "longest, ms", "appends lost/s at each", "races lost by one edit, at most", "refused, to be sent again"},
	}
	for _, replicas := range []int{1, 3} {
		a := arrangement{replicas: replicas, nats: replicas, nodes: 3}
		err := o.with(ctx, a, func(ctx context.Context, s *servers) error {
			for nodes := 1; nodes <= a.nodes; nodes++ {
				what := fmt.Sprintf("shared, %s, %s", counted(replicas, "replica"), counted(nodes, "node"))
				n, err := o.load(ctx, r, what, bench.Options{Scenario: bench.Shared, Servers: s.urls[:nodes]})
				if err != nil {
					return err
				}
				o.tell("%s: %s/s", what, short(n["edits acknowledged"]))
				each := func(name string) string {
					var list []string
					for i := range nodes {
						list = append(list, short(n[fmt.Sprintf("node %d: %s", i+1, name)]))
					}
					return strings.Join(list, ", ")
				}
				most, refused := 0.0, 0.0
				for i := range nodes {
					most = max(most, n[fmt.Sprintf("node %d: races lost by one edit, at most", i+1)])
					refused += n[fmt.Sprintf("node %d: refused, to be sent again", i+1)]
				}
				t.rows = append(t.rows, []string{
					counted(replicas, "replica") + ", " + counted(nodes, "node"), short(n["edits acknowledged"]), each("edits acknowledged"), each("answer p99"),
					short(n["answer max"]), each("appends that lost the race"), short(most), short(refused),
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.tables = append(r.tables, t)
	return nil
}

// measureStorm: a node is killed, and its sessions come to the others.
func measureStorm(ctx context.Context, o *options, r *report) error {
	t := table{
		title: fmt.Sprintf("A node that has %s is killed: they resume at the two others, all at once", counted(o.sessions, "session")),
		heads: []string{"", "all live after, s", "one of them: p50, ms", "p99, ms", "told no more than they missed, %"},
	}
	const replicas = 3
	err := o.with(ctx, arrangement{replicas: replicas, nats: replicas, nodes: 3}, func(ctx context.Context, s *servers) error {
		s.nodes[0].killed.Store(true)
		n, err := o.load(ctx, r, "storm", bench.Options{Scenario: bench.Storm, Servers: s.urls, Sessions: o.sessions, Kill: s.nodes[0].pid()})
		if err != nil {
			return err
		}
		o.tell("storm: all live after %s s", short(n["all live again after"]))
		t.rows = append(t.rows, append([]string{counted(replicas, "replica") + ", 3 nodes"},
			n.cells("all live again after", "one of them p50", "one of them p99", "resumed by what they missed alone")...))
		return nil
	})
	r.tables = append(r.tables, t)
	return err
}
