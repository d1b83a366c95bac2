// Package dispatch sends events to webhook targets (package webhook): what is committed
// at least once and in the order of each dashboard, from a cursor on its log; conflicts
// and sessions if it can be done.
//
// The log is the truth. A commit only wakes a lane, of which each target has one; the
// lane reads from its cursor what the target was not told, sends it, and moves the cursor.
// Nothing that waits is kept in memory but the ids of dashboards, and of these so many:
// beyond, the lane goes through the list of dashboards again. One target delays no other,
// one dashboard's message no other's, and neither a writer.
//
// It reaches public addresses alone, unless told otherwise, follows no redirects, and
// holds what comes back to a time and a size.
package dispatch
