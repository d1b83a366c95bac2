package commitlog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dashwire/dashwire/internal/fsync"
)

// Options of a Log; the zero value is ready to use.
type Options struct {
	// SegmentBytes is how large segments become; the first ones are smaller. 0 = 4 MiB.
	SegmentBytes int
	// KeepBytes is how much released space is kept for using it again. 0 = 32 MiB.
	KeepBytes int64
	// MaxBytes is how large the log may become, as if the disk were full then; the first segment
	// is always made. 0 = as large as the disk lets it.
	MaxBytes int64
	// Newest is what Newest was once: the segment that began there, or a later one, must be in the
	// folder. 0 = none has to be.
	Newest uint64
}

const smallestSegment = 256 << 10

// ErrFull wraps the error of an Append that found no room on the disk and has written
// nothing.
var ErrFull = errors.New("the disk is full")

// Log is a commit log open for writing. One goroutine uses it at a time, and one
// process; what else uses the folder at the same time only reads.
type Log struct {
	dir   string
	opts  Options
	owner uint64

	last     uint64 // the last commit
	released uint64 // the last one that is no longer needed
	inUse    []*segment
	free     []*segment
	file     *os.File // the last of inUse, to write; nil if there is none
	info     os.FileInfo
	end      int64    // of the frames in it
	number   int      // of the newest segment's name
	newest   *segment // the one begun last, in inUse or free; nil if none was begun
	failed   error    // of an Append whose outcome is not known
	buf      []byte
	ahead    chan made     // tells of the segment that is being made; nil if none is
	syncer   *fsync.Syncer // nil where the system has none: a thread waits for the disk then
}

// segment is a file.
type segment struct {
	name  string
	size  int64
	first uint64 // the first commit in it
	last  uint64 // the last commit in it
	salt  uint64
}

// Open makes the log in a folder ready for writing, and the folder if there is none,
// after telling replay of each commit after a sequence number. Everything told is on the disk
// when Open returns, whatever an fsync before has said. After the error of an Append the
// log must be closed and opened again. The folder's own name is as durable as its caller makes
// it.
func Open(dir, owner string, after uint64, opts Options, replay func(Commit) error) (*Log, error) {
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = 4 << 20
	}
	if opts.KeepBytes == 0 {
		opts.KeepBytes = 32 << 20
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	all, err := scan(dir, owner)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, opts: opts, owner: ownerMark(owner), released: after}
	if err := all.reaches(opts.Newest); err != nil {
		return nil, err
	}
	if l.last, err = all.replay(after, replay); err != nil {
		return nil, err
	}
	for _, f := range all {
		n := 0
		if _, err := fmt.Sscanf(f.name, "%d", &n); err == nil {
			l.number = max(l.number, n)
		}
		s := &segment{name: f.name, size: int64(len(f.bytes)), first: f.head.first, last: f.last, salt: f.head.salt}
		if f.used {
			l.newest = s // they come in order
		}
		if !f.used || f.last <= after {
			l.free = append(l.free, s)
			continue
		}
		if err := l.settle(f); err != nil {
			return nil, fmt.Errorf("make %s durable: %w", f.name, err)
		}
		l.inUse = append(l.inUse, s)
		l.end = int64(f.end)
	}
	if len(l.inUse)+len(l.free) == 0 {
		s, err := l.create(0)
		if err != nil {
			return nil, err
		}
		l.free = append(l.free, s)
	}
	if err := l.trySyncer(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if n := len(l.inUse); n > 0 {
		if l.file, l.info, err = l.openLast(l.inUse[n-1]); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// trySyncer finds out by a segment whether syncs can be waited for without a thread here.
func (l *Log) trySyncer() error {
	s := slices.Concat(l.inUse, l.free)[0]
	f, err := os.OpenFile(l.path(s), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if l.syncer, err = fsync.New(f); errors.Is(err, fsync.ErrRefused) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// openLast opens a segment for writing.
func (l *Log) openLast(s *segment) (*os.File, os.FileInfo, error) {
	flag := os.O_WRONLY
	if l.syncer == nil {
		flag |= dsync
	}
	f, err := os.OpenFile(l.path(s), flag, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func (l *Log) path(s *segment) string { return filepath.Join(l.dir, s.name) }

// settle writes what was read once more, since the kernel may call pages clean that never
// reached the disk after a failed fsync, and ends it: a torn frame is no frame.
func (l *Log) settle(f *found) error {
	file, err := os.OpenFile(filepath.Join(l.dir, f.name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(f.bytes[:f.end], 0)
	if rest := len(f.bytes) - f.end; err == nil && rest > 0 {
		_, err = file.WriteAt(make([]byte, min(frameHead, rest)), int64(f.end))
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Frame gives room for a commit of up to n bytes: what the caller appends to the slice is the
// payload that Append then takes. It is valid until then.
func Frame(n int) []byte { return make([]byte, frameHead, frameHead+n+8) }

// Append writes a commit, a slice begun by Frame, and returns its sequence number when it is on the
// disk. An error that is not ErrFull leaves open whether it is.
func (l *Log) Append(b []byte) (sequence uint64, err error) {
	if l.failed != nil {
		return 0, l.failed
	}
	if len(b)-frameHead > maxPayload {
		return 0, fmt.Errorf("a commit of %d bytes, at most %d are written at once", len(b)-frameHead, maxPayload)
	}
	if n := len(l.inUse); n == 0 || l.end+int64(align(len(b))) > l.inUse[n-1].size {
		return l.appendFirst(b)
	}
	s := l.inUse[len(l.inUse)-1]
	putFrameHead(b, l.last+1, s.salt)
	return l.write(s, b, l.end, l.end)
}

// appendFirst writes a commit to the beginning of a segment that is free.
func (l *Log) appendFirst(b []byte) (uint64, error) {
	s, err := l.takeFree(len(b))
	if err != nil {
		return 0, err
	}
	file, info, err := l.openLast(s)
	if err != nil {
		l.free = append(l.free, s)
		return 0, err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil { // all in it is on the disk
			return 0, errors.Join(err, file.Close())
		}
	}
	l.file, l.info = file, info
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	s.salt = binary.LittleEndian.Uint64(salt[:])
	l.inUse = append(l.inUse, s)
	putFrameHead(b, l.last+1, s.salt)
	l.buf = append(append(l.buf[:0], make([]byte, segmentHead)...), b...)
	head{salt: s.salt, first: l.last + 1, owner: l.owner}.put(l.buf)
	defer func() {
		if cap(l.buf) > 1<<20 {
			l.buf = nil
		}
	}()
	n, err := l.write(s, l.buf, 0, segmentHead)
	if err == nil {
		s.first, l.newest = n, s
		l.makeAhead()
	}
	return n, err
}

// Newest is the first commit of the segment begun last, 0 if none was. Who keeps it elsewhere and
// hands it to the next Open is told if that segment has gone, which no other could tell.
func (l *Log) Newest() uint64 {
	if l.newest == nil {
		return 0
	}
	return l.newest.first
}

// takeFree takes the smallest free segment with room for a frame, or makes one.
func (l *Log) takeFree(frame int) (*segment, error) {
	l.madeAhead()
	best := -1
	for i, s := range l.free {
		if s.size >= int64(align(segmentHead+frame)) && (best < 0 || s.size < l.free[best].size) {
			best = i
		}
	}
	if best < 0 {
		return l.create(frame)
	}
	s := l.free[best]
	l.free = append(l.free[:best], l.free[best+1:]...)
	return s, nil
}

// write writes b, whose frame begins at an offset, and counts it.
func (l *Log) write(s *segment, b []byte, at, frame int64) (uint64, error) {
	if err := l.writeDurable(b, at); err != nil {
		l.failed = fmt.Errorf("write commit %d to %s: %w", l.last+1, l.path(s), err)
		return 0, l.failed
	}
	l.last++
	s.last = l.last
	l.end = frame + int64(align(len(b)-int(frame-at)))
	return l.last, nil
}

// writeDurable returns when the bytes are on the disk.
func (l *Log) writeDurable(b []byte, at int64) error {
	_, err := l.file.WriteAt(b, at)
	switch {
	case err != nil:
		return err
	case l.syncer != nil:
		return l.syncer.Sync(l.file)
	case dsync == 0:
		return l.file.Sync()
	}
	return nil
}

// Background reports whether the system syncs commits while no thread waits for it.
func (l *Log) Background() bool { return l.syncer != nil }

// Last is the sequence number of the last commit, or where Open was told to begin.
func (l *Log) Last() uint64 { return l.last }

// Releasable reports how many bytes a Release of all commits up to a sequence number would make free.
func (l *Log) Releasable(upTo uint64) (bytes int64) {
	for _, s := range l.inUse {
		if s.last <= upTo {
			bytes += s.size
		}
	}
	return bytes
}

// Release gives the space of all commits up to a sequence number free. What replaces them must be
// on the disk.
func (l *Log) Release(upTo uint64) error {
	l.released = max(l.released, upTo)
	kept := l.inUse[:0]
	for i, s := range l.inUse {
		if s.last > upTo || i == len(l.inUse)-1 && l.end < s.size/2 {
			kept = append(kept, s) // or the last one, with room for more
			continue
		}
		l.free = append(l.free, s)
	}
	clear(l.inUse[len(kept):])
	var err error
	if len(kept) == 0 && l.file != nil {
		err = l.file.Close()
		l.file = nil
	}
	l.inUse = kept
	return errors.Join(err, l.shrink())
}

// shrink removes free segments beyond KeepBytes, and those that one large commit has
// asked for; never the newest, whose absence means that commits were lost.
func (l *Log) shrink() error {
	var errs []error
	total, kept := int64(0), l.free[:0]
	for _, s := range l.free {
		if total += s.size; s != l.newest && (total > l.opts.KeepBytes || s.size > int64(l.opts.SegmentBytes)) {
			total -= s.size
			errs = append(errs, os.Remove(l.path(s)))
			continue
		}
		kept = append(kept, s)
	}
	clear(l.free[len(kept):])
	l.free = kept
	return errors.Join(errs...)
}

// InPlace reports an error if the segment written to is no longer where it was: what is written to a
// file that was removed is gone with the process.
func (l *Log) InPlace() error {
	if l.file == nil {
		return nil
	}
	path := l.path(l.inUse[len(l.inUse)-1])
	now, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(l.info, now) {
		return fmt.Errorf("the file %s was removed or replaced while it is open", path)
	}
	return nil // what else may be wrong shows when writing
}

// Bytes is the size of all segments.
func (l *Log) Bytes() (n int64) {
	for _, list := range [][]*segment{l.inUse, l.free} {
		for _, s := range list {
			n += s.size
		}
	}
	return n
}

// Close closes the log. What it holds stays.
func (l *Log) Close() error {
	l.madeAhead()
	var errs []error
	if l.syncer != nil {
		errs = append(errs, l.syncer.Close())
		l.syncer = nil
	}
	if l.file != nil {
		errs = append(errs, l.file.Close())
		l.file, l.inUse = nil, nil
	}
	return errors.Join(errs...)
}

// Remove removes a log that is not open, with its folder.
func Remove(dir string) error {
	names, err := names(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, os.Remove(filepath.Join(dir, name)))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err = os.Remove(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
