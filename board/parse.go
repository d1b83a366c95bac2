package board

import "fmt"

// ParseEnvelope reads an entry as it goes over the wire, as a client does. What is
// stored and not sent stays zero.
func ParseEnvelope(v Value) (*Entry, error) {
	e := &Entry{}
	var r reader
	r.envelope(v, e)
	if r.err != nil {
		return nil, fmt.Errorf("board: reading an entry: %w", r.err)
	}
	return e, nil
}

// ParseConflict reads the payload of CONFLICT_DETECTED, as a client does.
func ParseConflict(v Value) (*Conflict, error) {
	var r reader
	c := r.conflict(v)
	if r.err != nil {
		return nil, fmt.Errorf("board: reading a conflict: %w", r.err)
	}
	return c, nil
}

// ParseOverwrote reads what AppendOverwrote wrote, as a client does.
func ParseOverwrote(v Value) ([]Overwrote, error) {
	var r reader
	list := r.overwrote("overwrote", v)
	if r.err != nil {
		return nil, fmt.Errorf("board: reading an answer: %w", r.err)
	}
	return list, nil
}

// ParseResults reads what AppendResults wrote, as a client does.
func ParseResults(v Value) ([]Result, error) {
	var r reader
	list := r.results("results", v)
	if r.err != nil {
		return nil, fmt.Errorf("board: reading an answer: %w", r.err)
	}
	return list, nil
}
