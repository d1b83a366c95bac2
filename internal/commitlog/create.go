package commitlog

import (
	"errors"
	"fmt"
	"os"

	"github.com/dashwire/dashwire/internal/fsync"
)

// made is what became of a segment.
type made struct {
	s   *segment
	err error // that it could not be made
}

// create makes a segment with room for a frame of so many bytes.
func (l *Log) create(frame int) (*segment, error) {
	s, err := l.plan(frame)
	if err != nil {
		return nil, err
	}
	return s, l.make(s)
}

// makeAhead begins to make the segment that the log needs next, unless there is a free one, so that no commit
// waits for that. A log of KeepBytes does without: it would give one more back at once.
func (l *Log) makeAhead() {
	if len(l.free) > 0 || l.ahead != nil {
		return
	}
	s, err := l.plan(0)
	if err != nil || l.Bytes()+s.size > l.opts.KeepBytes {
		return // who needs one is told what is wrong
	}
	done := make(chan made, 1)
	l.ahead = done
	go func() { done <- made{s, l.make(s)} }()
}

// madeAhead waits for the segment that is being made, and takes it for a free one. If that could not be made
// nothing is lost: the next one that is needed is tried again.
func (l *Log) madeAhead() {
	if l.ahead == nil {
		return
	}
	m := <-l.ahead
	l.ahead = nil
	if m.err == nil {
		l.free = append(l.free, m.s)
	}
}

// plan gives the next segment, with room for a frame of so many bytes, its name and size.
func (l *Log) plan(frame int) (*segment, error) {
	have := l.Bytes()
	size := min(max(have, smallestSegment), int64(l.opts.SegmentBytes))
	size = max(size, int64(align(segmentHead+frame)))
	if l.opts.MaxBytes > 0 && have > 0 && have+size > l.opts.MaxBytes {
		return nil, fmt.Errorf("%w: the commit log may have %d bytes", ErrFull, l.opts.MaxBytes)
	}
	l.number++
	return &segment{name: fmt.Sprintf("%08d%s", l.number, suffix), size: size}, nil
}

// make makes the file of a segment. It uses nothing of the log that changes.
func (l *Log) make(s *segment) error {
	if err := fill(l.path(s), s.size); err != nil {
		err = errors.Join(err, os.Remove(l.path(s)))
		if noRoom(err) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		return err
	}
	return syncDir(l.dir)
}

// fill makes a file of zeros that are on the disk.
func fill(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(size, 1<<20))
	for at := int64(0); at < size && err == nil; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
	}
	if err == nil {
		err = syncOnce(f)
	}
	return errors.Join(err, f.Close())
}

// syncOnce syncs a file, in the background where the system does that.
func syncOnce(f *os.File) error {
	s, err := fsync.New(f) // which syncs it
	switch {
	case errors.Is(err, fsync.ErrRefused):
		return f.Sync()
	case err != nil:
		return err
	}
	return s.Close()
}
