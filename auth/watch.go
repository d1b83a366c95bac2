package auth

// Watcher is an Authorizer whose answers may change at any time without anybody having
// RereadRights called: one that asks another program and keeps its answers for a while.
// A server with such an Authorizer has each open subscription watched (P4).
//
// Role may then have to wait for an answer. It is called in the goroutine of the request,
// of the connection whose message is being worked on, or of a check after a change, never
// under a lock and never in the goroutine of a room: waiting holds up what comes next from
// that connection, and nobody else if the server is told of it ([Waiting]).
type Watcher interface {
	Authorizer
	// Watch keeps the role of p on a dashboard known, and calls changed whenever Role may
	// give another one than before, or gave one and cannot tell any more: the session then
	// asks Role, and follows the dashboard no longer if that cannot tell either. changed
	// must not wait. It may be called by any goroutine, also once after stop, which ends
	// the watch. Neither Watch nor stop waits or calls changed itself.
	Watch(p Principal, dashboardID string, changed func()) (stop func())
	// Forget has the answers about a user asked for anew, about everybody if userID is "".
	// From its return on Role gives no older one. It does not wait.
	Forget(userID string)
}
