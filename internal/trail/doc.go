// Package trail reads dashboards' logs for those who ask who did what and when: it goes
// through entries from the newest to the oldest, picks those of a user, widget, path,
// time or kind, and says of each what it did. One call does a bounded amount of work and
// ends where the next goes on.
//
// What administrators did is in no dashboard's log; package audit keeps that.
package trail
