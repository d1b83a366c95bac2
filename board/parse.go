package board

import "fmt"

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
