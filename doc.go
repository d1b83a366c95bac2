// Package dashwire is the realtime sync server for dashboards, as a library: shared
// documents of widgets on a grid, edited by several people at once, fed with live
// values, and never losing an edit that was acknowledged.
//
//	j, err := sqlitejournal.Open("dashboards.db", sqlitejournal.Options{})
//	srv, err := dashwire.New(dashwire.Config{Journal: j})
//	mux.Handle("/api/", srv)                    // WebSocket, REST and SSE
//	err = srv.Run(ctx)                          // until ctx ends; drains
//
// The wire protocol is in docs/PROTOCOL.md; the rules that comments cite by ID (M3,
// C6, …) are there. The command cmd/dashwire is a thin layer over this package.
//
// A process may hold several servers; there is no global state. Importing this
// package brings in no database driver, no sign-in library and no metrics vendor:
// each lives in a package of its own that an app names if it wants it.
package dashwire
