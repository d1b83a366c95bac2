package natsjournal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// mark is a message of a log that this node has seen stored. What was stored once
// stays, unless its log was trimmed; if it is not there any more, the stream was put
// back to an earlier state (R1).
type mark struct {
	Generation string           `json:"generation"`
	Lineage    string           `json:"lineage,omitempty"`
	Dashboard  string           `json:"dashboard,omitempty"` // "" = the stream held nothing
	First      journal.Position `json:"first,omitempty"`     // of the records in the message
	Seq        uint64           `json:"seq,omitempty"`
	Sum        string           `json:"sum,omitempty"` // SHA-256 of the message
}

// seen is the newest message of all logs; the zero value = none.
type seen struct {
	id    string
	first journal.Position
	seq   uint64
	data  []byte
}

// marks holds the newest message seen, and what is to be compared with the stream.
type marks struct {
	mu sync.Mutex
	seen
	// open is what was newest when the stream was lost sight of; nil = it was
	// compared since. Until then, what is seen may belong to another course of things.
	open  *mark
	file  mark // as it was written last
	begun bool // the file was read: from now on it may be replaced
	// failing tells that the file cannot be written; the log was told.
	failing bool
}

// sees notes a message of the log of id. data must not be changed any more.
func (s *marks) sees(id string, first journal.Position, seq uint64, data []byte) {
	s.mu.Lock()
	if seq > s.seq {
		s.seen = seen{id, first, seq, data}
	}
	s.mu.Unlock()
}

func (s *marks) newestLocked(generation, lineage string) mark {
	m := mark{Generation: generation, Lineage: lineage}
	if s.id != "" {
		m.Dashboard, m.First, m.Seq, m.Sum = s.id, s.first, s.seq, sumOf(s.data)
	}
	return m
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// toCompare is what the stream has to hold.
func (j *Journal) toCompare() (m mark, open *mark) {
	s := &j.marks
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		return *s.open, s.open
	}
	return s.newestLocked(j.generation, j.lineageNow()), nil
}

// loseSight notes that the stream may be another one when it is seen again.
func (j *Journal) loseSight() {
	if j.lineage.Load() == nil {
		return // nothing was seen yet
	}
	s := &j.marks
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		m := s.newestLocked(j.generation, j.lineageNow())
		s.open = &m
	}
}

// compareMark looks whether what this node has seen is in the stream, and has the
// journal lost if it is not. Other errors leave it open.
func (j *Journal) compareMark(ctx context.Context) error {
	m, open := j.toCompare()
	err := j.holds(ctx, m)
	if errors.Is(err, ErrRolledBack) {
		j.keepEvidence(m)
		j.lose(err)
	}
	if err != nil {
		return err
	}
	s := &j.marks
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == open {
		s.open = nil
	}
	return nil
}

// holds gives ErrRolledBack if the stream proves not to hold what a mark tells of.
func (j *Journal) holds(ctx context.Context, m mark) error {
	if m.Dashboard == "" {
		return nil
	}
	gone := func(format string, args ...any) error {
		return fmt.Errorf("%w: message %d, of dashboard %s from position %d: %s", ErrRolledBack, m.Seq, m.Dashboard, m.First, fmt.Sprintf(format, args...))
	}
	e, err := j.lookup(ctx, m.Dashboard, true)
	switch {
	case err != nil:
		return err
	case e.last == nil:
		return gone("its log is empty")
	case e.seq < m.Seq:
		return gone("its log ends at message %d, position %d", e.seq, e.head)
	}
	seq, err := j.holder(ctx, m.Dashboard, m.First, e.last, e.seq)
	if errors.Is(err, journal.ErrTrimmed) {
		return nil
	}
	if err != nil {
		return err
	}
	if seq != m.Seq {
		return gone("message %d is in its place", seq)
	}
	return j.patiently(ctx, func() error {
		list, err := j.get(ctx, j.stream, getRequest{Seq: m.Seq})
		if errors.Is(err, errAbsent) {
			if err = j.absent(ctx, m.Dashboard, m.First); errors.Is(err, journal.ErrTrimmed) {
				return nil
			}
		}
		if err != nil {
			return err
		}
		if list[0].subject != j.subjects.log(m.Dashboard) || sumOf(list[0].data) != m.Sum {
			return gone("it holds something else")
		}
		return nil
	})
}

// beginMarks compares the stream that was found with m, what the file tells of an
// earlier run (nil = nothing), and begins with the newest message there is. What could
// not be compared now is compared later.
func (j *Journal) beginMarks(ctx context.Context, m *mark) error {
	newest := j.newestInStream(ctx)
	var err error
	switch {
	case m == nil:
	case m.Generation != j.generation:
		// Its epochs are its own: nobody mistakes one for the other.
		j.opts.Logger.Error("this stream was made after the one that this server used last; what was edited there is not in it",
			"stream", j.stream, "generation", j.generation, "before", m.Generation)
		m = nil
	case m.Lineage != j.lineageNow():
		j.opts.Logger.Info("new epochs were begun since this server ran last", "stream", j.stream)
		m = nil
	default:
		if err = j.holds(ctx, *m); errors.Is(err, ErrRolledBack) {
			return fmt.Errorf("%w. Stop all servers, run dashwire new-epochs, and start them again", err)
		}
	}
	s := &j.marks
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	if newest != nil {
		s.seen = *newest
	}
	if m != nil {
		s.file = *m
	}
	if err != nil {
		j.opts.Logger.Warn("it is not known yet whether the stream holds what this server has seen", "stream", j.stream, "err", err)
		s.open = m
		j.suspect()
	}
	return nil
}

// expect refuses to go on, and to make a stream, where there has to be one.
func (j *Journal) expect(ctx context.Context) error {
	_, err := j.untilAnswered(ctx, func(ctx context.Context) (jetstream.Stream, error) { return j.js.Stream(ctx, j.stream) })
	switch {
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return nil // whoever opens it tells
	case j.opts.Existing:
		return fmt.Errorf("there is no stream %s", j.stream)
	}
	return fmt.Errorf("the stream %s is gone, in which this server has seen dashboards: put it back from a backup and run dashwire new-epochs, "+
		"or remove the file %s to begin with nothing", j.stream, j.opts.MarkFile)
}

// newestInStream is the newest message of all logs, nil if there is none or it cannot be
// read now.
func (j *Journal) newestInStream(ctx context.Context) *seen {
	var list []stored
	err := j.patiently(ctx, func() (err error) {
		list, err = j.get(ctx, j.stream, getRequest{LastBy: j.subjects.logs + ">"})
		return err
	})
	if err != nil {
		return nil
	}
	id, ok := j.subjects.logID(list[0].subject)
	if !ok {
		return nil
	}
	m, err := decodeMessage(id, list[0].data)
	if err != nil {
		return nil // whoever reads that log is told
	}
	return &seen{id: id, first: m.first, seq: list[0].seq, data: list[0].data}
}

// keepMark writes what is newest to the file, unless that is to be compared first.
func (j *Journal) keepMark() {
	path, s := j.opts.MarkFile, &j.marks
	if path == "" || j.lost.Load() != nil || j.lineage.Load() == nil {
		return
	}
	s.mu.Lock()
	m := s.newestLocked(j.generation, j.lineageNow())
	write := s.begun && s.open == nil && m != s.file
	s.mu.Unlock()
	if !write {
		return
	}
	err := writeMark(path, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.file, s.failing = m, false
	} else if !s.failing {
		s.failing = true
		j.opts.Logger.Error("what was seen of the stream cannot be written down; the next start could not tell whether it was put back to an older state",
			"file", path, "err", err)
	}
}

// keepEvidence writes down the mark that the stream has failed, for the next start.
func (j *Journal) keepEvidence(m mark) {
	if path := j.opts.MarkFile; path != "" {
		if err := writeMark(path, m); err != nil {
			j.opts.Logger.Error("what is missing in the stream cannot be written down; the next start could not tell", "file", path, "err", err)
		}
	}
}

// readMark reads a file of writeMark; nil = there is none.
func readMark(path string) (*mark, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m mark
	if err := json.Unmarshal(data, &m); err != nil || m.Generation == "" {
		return nil, fmt.Errorf("the file %s, which tells what this server has seen of its stream, is damaged: remove it if the stream was not put back from a backup", path)
	}
	return &m, nil
}

// writeMark puts a whole file in the place of the one before.
func writeMark(path string, m mark) (err error) {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
