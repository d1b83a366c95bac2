// Package audit keeps who administered a server, in a file of JSON lines: the acts that
// are in no dashboard's log (tokens revoked, sessions ended, messages sent, backups, the
// settings at each start) and sign-ins that were refused. What was done to a dashboard is
// read from its own log.
//
// Each line holds the hash of the line before it, over the ends of files too, so that a
// line that is changed or taken out shows ([Verify]). Lines at the very end can be cut
// off unseen: keep the last hash somewhere else, or follow observe.Hooks.Action.
//
//	l, err := audit.Open("dashwire.audit.jsonl", audit.Options{})
//	server, err := dashwire.New(dashwire.Config{Journal: j, Audit: l})
//	…
//	l.Close()
//
// Several processes of one machine may write to one file, such as a server and `dashwire
// backup`. It is not the place for what happens often.
package audit
