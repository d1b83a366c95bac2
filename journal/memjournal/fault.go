package memjournal

import "github.com/dashwire/dashwire/journal"

// Fault is what happens to one append.
type Fault int

// The faults a hook can choose from.
const (
	// None: the append is decided as usual.
	None Fault = iota
	// Refuse answers ErrUnavailable and stores nothing.
	Refuse
	// LoseBefore answers ErrUnknown and stores nothing.
	LoseBefore
	// LoseAfter decides the append as usual, storing it if the log is at its
	// position, and answers ErrUnknown whatever came of it.
	LoseAfter
	// LoseLate answers ErrUnknown and keeps the append on its way: Settle decides it
	// later, when the log may have moved on.
	LoseLate
)

// Settle decides the appends that LoseLate kept on their way, in the order they
// came, and returns how many of them were stored.
func (j *Journal) Settle() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	stored := 0
	for _, a := range j.late {
		if j.appendLocked(a) == appended {
			stored++
		}
	}
	j.late = nil
	return stored
}

func cloneAppend(a journal.Append) journal.Append {
	records := make([][]byte, len(a.Records))
	for i, r := range a.Records {
		records[i] = append([]byte(nil), r...)
	}
	a.Records = records
	a.Summary = append([]byte(nil), a.Summary...)
	return a
}
