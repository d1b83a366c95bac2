package board

import "time"

// Limits are the D5 limits that Decide checks. Zero fields mean the defaults.
type Limits struct {
	DocumentBytes int // 4 MiB, of canonical JSON
	Widgets       int // 2,000
	Operations    int // 500 a batch
	Paths         int // 10,000 that an op names, or all of a batch's operations together
}

// Env is what deciding needs beside the state and the op.
type Env struct {
	// Now is the deciding node's clock.
	Now time.Time
	// NewEpoch is used if the op brings the dashboard into being.
	NewEpoch string
	// Window is stored with a new epoch (M12); 0 = 10,000.
	Window uint64
	// AutoWindow is the M6 window of PolicyAuto; 0 = 5 s.
	AutoWindow time.Duration
	Limits     Limits
	// Scratch lends memory to decide with; nil = it is allocated.
	Scratch *Scratch
}

// Decision is what becomes of an op. Exactly one of Entry (with Next and Ack),
// Ack alone (unchanged), Replay, Conflict, Refusal and Need is set.
type Decision struct {
	// Entry is to be appended; Next is the state after it, Ack the answer.
	Entry *Entry
	Next  *State
	Ack   *Ack

	// Replay is the version under which this very op was committed before (M8);
	// the entry with that version tells the rest of the answer.
	Replay uint64

	Conflict *Conflict
	Refusal  *Error

	// Need says what to read from the log into Op.History before deciding again.
	Need *Need
}

// Need names the past that an op depends on.
type Need struct {
	// Committed are versions of which one may be this very op's (M8).
	Committed []uint64
	// Deleted lists widgets by the version of their deleting entry.
	Deleted map[string]uint64
	// Layouts is the version whose layouts are needed, 0 = none.
	Layouts uint64
}
