package sqlitejournal

import (
	"sync"
	"time"
)

// Stats is what a journal has done since it was opened, and how it stands.
type Stats struct {
	// Commits are durable writes to the commit log; Appends and Records what they held.
	Commits, Appends, Records uint64
	// CommitTime is the sum and CommitMax the longest of the commits' durations.
	CommitTime, CommitMax time.Duration
	// Refused are groups that found the disk full or the file locked.
	Refused uint64
	// Reopened is how often the file was closed and opened again after a failure.
	Reopened uint64
	// Checkpoints of the write-ahead log.
	Checkpoints uint64
	// UnspreadDashboards and UnspreadBytes are held in memory.
	UnspreadDashboards, UnspreadBytes int
	// Damaged are dashboards closed for damage found while appending or opening.
	Damaged int
	// FileBytes, WALBytes and LogBytes are the sizes of the file, of SQLite's write-ahead log
	// and of the commit log.
	FileBytes, WALBytes, LogBytes int64
	// Background is set if the system syncs commits while no thread waits for it.
	Background bool
}

// counters are the part of Stats that is counted.
type counters struct {
	mu sync.Mutex
	s  Stats
	// full is set while the log was told that the disk is full, and not yet that it is not any
	// more; told is when it was, before what Refused was then.
	full   bool
	told   time.Time
	before uint64
}

// toldEvery is the least time between two lines of the log about a full disk: what is
// short may still find room where what is long does not.
const toldEvery = time.Minute

// committed returns how many groups were refused since the log was told of the first; 0 if
// none were.
func (c *counters) committed(appends, records int, d time.Duration) (refused uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full {
		refused, c.full = c.s.Refused-c.before, false
	}
	c.s.Commits++
	c.s.Appends += uint64(appends)
	c.s.Records += uint64(records)
	c.s.CommitTime += d
	c.s.CommitMax = max(c.s.CommitMax, d)
	return refused
}

// refused tells whether this is one to tell the log of: the first in a while.
func (c *counters) refused(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Refused++
	if c.full || !c.told.IsZero() && now.Sub(c.told) < toldEvery {
		return false
	}
	c.full, c.told, c.before = true, now, c.s.Refused-1
	return true
}

func (c *counters) reopened()     { c.add(func(s *Stats) { s.Reopened++ }) }
func (c *counters) checkpointed() { c.add(func(s *Stats) { s.Checkpoints++ }) }

func (c *counters) add(count func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.s)
}

// Stats returns the numbers as they are now. It costs two calls of stat(2).
func (j *Journal) Stats() Stats {
	j.counters.mu.Lock()
	s := j.counters.s
	j.counters.mu.Unlock()
	j.tails.mu.RLock()
	s.UnspreadBytes = j.tails.bytes
	for _, t := range j.tails.byID {
		if t.damage != nil {
			s.Damaged++
		} else {
			s.UnspreadDashboards++
		}
	}
	j.tails.mu.RUnlock()
	s.FileBytes, s.WALBytes = fileSizes(j.path)
	s.LogBytes = j.logBytes.Load()
	return s
}
