// Package sqlitejournal keeps dashboard logs in one SQLite file. It is the
// journal of a server on one machine: what Append confirmed is fsync'ed (A1),
// survives kill -9, a full disk and a failing disk (A2), and can be looked at
// with the sqlite3 command.
//
//	j, err := sqlitejournal.Open("dashwire.db", sqlitejournal.Options{})
//	defer j.Close()
//
// One goroutine writes. Whatever appends wait when it comes back from an fsync
// go into the next commit together, for all dashboards at once; nobody waits for
// a timer. A commit is one row of the table commits; in the background these rows
// are spread into one row per record in entries, and the view log shows both:
//
//	sqlite3 -readonly dashwire.db "SELECT * FROM log WHERE dashboard = 'ops' ORDER BY position"
//
// Records not yet spread are held in memory too (a few MiB); a dashboard whose
// records are spread and that nobody reads uses no memory (A6).
//
// A file belongs to one process at a time. OpenReadOnly and Backup look at the
// file of a running server. It is not for network file systems.
package sqlitejournal
