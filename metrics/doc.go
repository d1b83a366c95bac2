// Package metrics turns what a server does into Prometheus metrics. It is fed by
// [observe.Hooks] and knows nothing else of the server:
//
//	hooks, handler := metrics.New(metrics.Options{})
//	srv, err := dashwire.New(dashwire.Config{Journal: j, Hooks: hooks, Metrics: handler})
//
// All names begin with dashwire_. Ids of dashboards, users and sessions are never
// labels: the number of series does not grow with use.
package metrics
