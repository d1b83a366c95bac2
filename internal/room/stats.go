package room

import "sync/atomic"

// counters count since the hub was made.
type counters struct {
	ops, entries, conflicts, races, encoded, values, syncs atomic.Uint64
}

// Stats are counts since the hub was made, and what is open now.
type Stats struct {
	Rooms     int    `json:"rooms"`
	Ops       uint64 `json:"ops"`       // taken in
	Entries   uint64 `json:"entries"`   // committed, or read from other nodes
	Encoded   uint64 `json:"encoded"`   // entries encoded: one for each decided or read
	Conflicts uint64 `json:"conflicts"` // that went to a person
	Races     uint64 `json:"races"`     // appends that another node won (A3)
	Values    uint64 `json:"values"`    // live values taken in
	Syncs     uint64 `json:"syncs"`     // subscriptions opened
}

// Stats returns the counts of this moment.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	rooms := len(h.rooms)
	h.mu.Unlock()
	return Stats{
		Rooms: rooms, Ops: h.stats.ops.Load(), Entries: h.stats.entries.Load(), Encoded: h.stats.encoded.Load(),
		Conflicts: h.stats.conflicts.Load(), Races: h.stats.races.Load(),
		Values: h.stats.values.Load(), Syncs: h.stats.syncs.Load(),
	}
}
