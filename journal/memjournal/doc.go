// Package memjournal keeps dashboard logs in memory: for tests, for trying
// things out, and for dashboards that need not outlive the process. Several
// servers of one process may share one Journal and then behave like the nodes of
// a cluster.
//
//	j := memjournal.New(memjournal.Options{})
//	durability, err := j.Append(ctx, a) // journal.Memory
//
// A hook decides for each append what goes wrong with it, so that tests can go
// through every answer of the contract. It is not for data that matters: nothing
// survives the process.
package memjournal
