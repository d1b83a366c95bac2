package journal

// Trouble is why a journal cannot be relied on at the moment. Reads that are not
// confirmed by it, from memory, may be out of date meanwhile (A7).
type Trouble struct {
	// Text says it to anybody, without names of hosts, files or dashboards.
	Text string
	// Err is what an operator should know; it may be nil.
	Err error
}

// Error implements error.
func (t *Trouble) Error() string {
	if t.Err == nil {
		return t.Text
	}
	return t.Text + ": " + t.Err.Error()
}

// Unwrap implements the interface of errors.Is and errors.As.
func (t *Trouble) Unwrap() error { return t.Err }

// Watched is a Journal that knows by itself when it is cut off from what it stands
// on, also while nobody uses it. Journals on one machine need not have it.
type Watched interface {
	// Trouble returns why, nil while all is well. It is quick and asks nobody.
	Trouble() *Trouble
}

// TroubleOf returns the trouble that a journal is in, if it is one that knows.
func TroubleOf(j Journal) *Trouble {
	if w, ok := j.(Watched); ok {
		return w.Trouble()
	}
	return nil
}
