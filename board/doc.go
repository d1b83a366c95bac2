// Package board is the pure domain of Dashwire: a shared dashboard document, the
// operations people ask for, and the rules that turn an operation into an entry
// of the dashboard's log.
//
// A dashboard is a log; its [State] is the fold of that log. The caller's loop:
//
//	state := board.NewState("ops")              // or board.ParseSnapshot
//	for record := range log {                   // entries after the snapshot
//		entry, err := board.ParseRecord(record)
//		state, err = state.Fold(entry)
//	}
//	d := state.Decide(op, env)
//	for d.Need != nil {                         // read it from the log into op.History
//		d = state.Decide(op, env)
//	}
//	if d.Entry != nil {                         // append EncodeRecord(d.Entry).Data, then
//		state = d.Next
//	}
//
// States, values and entries are immutable: a function that changes a state
// returns a new one that shares structure with the old. Everything here may be
// used by any number of goroutines at once.
//
// The package has no clock, no randomness, no goroutine and no lock: time and
// ids come in as arguments, and the same inputs give the same bytes on every
// node (rule D6). It knows nothing of sockets, journals or sign-in.
package board
