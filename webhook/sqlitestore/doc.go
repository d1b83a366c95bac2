// Package sqlitestore keeps what webhooks must remember in one SQLite file of its own,
// beside the journal's.
//
// Commits are written ahead without an fsync of their own (synchronous=NORMAL): a crash
// of the process loses nothing, a power cut takes the file back to how it was some moments
// before, and the messages of these moments are sent again. It is no place for anything
// else, and no second process can open the file.
package sqlitestore
