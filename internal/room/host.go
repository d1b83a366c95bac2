package room

// Host counts who is at work. It is told that somebody is about to wait for the journal,
// or for who knows the rights, and that this one goes on; no lock of a room is held.
type Host interface {
	Pausing()
	Resuming()
}

// maxPaused bounds those who wait at a time and are not counted as being at work: each
// holds a stack and a message, and others begin in its place.
const maxPaused = 1024

// Pause tells a host, which may be nil, of a wait, and resume of its end. Beyond maxPaused
// it is not told.
func (h *Hub) Pause(host Host) (resume func()) {
	if host == nil {
		return func() {}
	}
	if h.paused.Add(1) > maxPaused {
		h.paused.Add(-1)
		return func() {}
	}
	host.Pausing()
	return func() {
		h.paused.Add(-1)
		host.Resuming()
	}
}
