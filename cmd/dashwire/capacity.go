package main

import "fmt"

// capacity is how many sessions there is room for (C8).
type capacity struct {
	sessions int
	// connections is how many there may be in all: fewer than there are descriptors, so
	// that the data file and its readers find one whatever comes from outside.
	connections int
	reason      string
}

// spare are the descriptors kept for everything but sessions: the data file, readers
// of it, and requests that are no sessions.
const spare = 200

// roomFor derives the number of sessions from the limit on descriptors, unless the
// operator has said one that is within it.
func roomFor(asked int) (capacity, error) {
	if asked < 0 {
		return capacity{}, refuse("--max-sessions must not be negative")
	}
	limit, known := descriptorLimit()
	if !known {
		if asked == 0 {
			asked = 10_000
		}
		return capacity{asked, asked + spare, "as set; the system tells no limit on descriptors"}, nil
	}
	most := limit - spare
	if limit < 2*spare {
		most = limit / 2
	}
	connections := most + (limit-most)/2
	described := fmt.Sprintf("%s; raise it with ulimit -n", count(limit, "file descriptor", "file descriptors"))
	switch {
	case asked == 0:
		return capacity{most, connections, described}, nil
	case asked > most:
		return capacity{}, refuse("--max-sessions %d needs %d file descriptors and the limit is %d: raise it with ulimit -n",
			asked, asked+spare, limit)
	default:
		return capacity{asked, connections, "by --max-sessions; " + count(limit, "file descriptor", "file descriptors")}, nil
	}
}
