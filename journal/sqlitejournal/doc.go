// Package sqlitejournal keeps dashboard logs in one SQLite file and, while it is open, a
// commit log beside it. It is the journal of a server on one machine: what Append confirmed is
// fsync'ed (A1), survives kill -9, a full disk and a failing disk (A2), and can be looked at with
// the sqlite3 command.
//
//	j, err := sqlitejournal.Open("dashwire.db", sqlitejournal.Options{})
//	defer j.Close()
//
// One goroutine commits. Whatever appends wait when it comes back from the disk go into the next
// commit together, for all dashboards at once; nobody waits for a timer. A commit is one durable
// write to the commit log, in the folder dashwire.db-log; in the background another goroutine
// spreads its records into the table chunks, some of one dashboard to a row, and the view log
// shows each:
//
//	sqlite3 -readonly dashwire.db "SELECT * FROM log WHERE dashboard = 'ops' ORDER BY position"
//
// Records not yet spread are held in memory too (a few MiB); a dashboard whose
// records are spread and that nobody reads uses no memory (A6). Close spreads everything and
// removes the commit log: then the file holds all by itself.
//
// A file belongs to one process at a time. OpenReadOnly and Backup look at the
// file of a running server. It is not for network file systems.
package sqlitejournal
