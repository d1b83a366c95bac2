package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Errors of reading.
var (
	// ErrDamaged wraps what cannot be: commits missing between others, a frame that is no
	// good before one that is.
	ErrDamaged = errors.New("the commit log is damaged")
	// ErrMissing is for a log whose newest segment is not there.
	ErrMissing = errors.New("the newest file of the commit log is missing")
	// ErrForeign is for segments of another owner.
	ErrForeign = errors.New("the commit log belongs to another file")
)

// Commit is one that was read.
type Commit struct {
	Sequence uint64
	// Payload is the callee's to keep.
	Payload []byte
	// Damaged is set if the payload fails its checksum and is not simply the torn end.
	Damaged bool
}

// Read calls replay for each commit after a sequence number and changes nothing. A folder
// that is not there holds none. For newest, see Options. Another process may append meanwhile, so damage may be one that
// is not there when it is read again. What replay returns ends it.
func Read(dir, owner string, after, newest uint64, replay func(Commit) error) error {
	found, err := scan(dir, owner)
	if err != nil {
		return err
	}
	if err := found.reaches(newest); err != nil {
		return err
	}
	_, err = found.replay(after, replay)
	return err
}

// Exists reports whether there is a segment in the folder.
func Exists(dir string) (bool, error) {
	names, err := names(dir)
	return len(names) > 0, err
}

// suffix is what the names of segments end with.
const suffix = ".seg"

// names lists the segments in a folder, in order; none if there is no folder.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// found is a segment as it was read.
type found struct {
	name  string
	bytes []byte
	head  head
	used  bool

	// by replay
	last uint64 // the last commit in it, first-1 if none
	end  int    // where the next frame goes
}

type segments []*found

// scan reads all segments; those in use come in order.
func scan(dir, owner string) (segments, error) {
	names, err := names(dir)
	if err != nil {
		return nil, err
	}
	var all segments
	mark := ownerMark(owner)
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // its owner has removed it meanwhile
		}
		if err != nil {
			return nil, err
		}
		f := &found{name: name, bytes: b, end: segmentHead}
		if f.head, f.used = readHead(b); f.used && f.head.owner != mark {
			return nil, fmt.Errorf("%w: %s", ErrForeign, filepath.Join(dir, name))
		}
		f.last = f.head.first - 1
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(a.head.first, b.head.first) })
	return all, nil
}

// replay reads the commits after a sequence number and returns that of the last one.
func (all segments) replay(after uint64, replay func(Commit) error) (last uint64, err error) {
	last = after
nextSegment:
	for _, f := range all {
		if !f.used {
			if n := orphan(f.bytes, after); n > 0 {
				return last, fmt.Errorf("%w: the head of %s cannot be read, and commit %d stands behind it", ErrDamaged, f.name, n)
			}
			continue
		}
		if f.head.first > last+1 {
			return last, fmt.Errorf("%w: commits %d to %d are missing before %s", ErrDamaged, last+1, f.head.first-1, f.name)
		}
		sequence := f.head.first
		for {
			c, ok := readFrame(f.bytes, f.end, f.head.salt)
			switch {
			case ok && c.whole:
			case later(f.bytes, f.end+8, f.head.salt, sequence):
				if !ok {
					return last, fmt.Errorf("%w: commit %d in %s cannot be found, later ones can", ErrDamaged, sequence, f.name)
				}
			case ok && all.begins(sequence+1) && !all.begins(sequence):
			default:
				continue nextSegment // never written, or torn; what is missing shows by the next segment
			}
			if c.sequence != sequence {
				return last, fmt.Errorf("%w: commit %d stands in the place of %d in %s", ErrDamaged, c.sequence, sequence, f.name)
			}
			if sequence > last {
				if err := replay(Commit{Sequence: sequence, Payload: c.payload, Damaged: !c.whole}); err != nil {
					return last, err
				}
				last = sequence
			}
			f.last, f.end = sequence, c.next
			sequence++
		}
	}
	return last, nil
}

// reaches reports ErrMissing unless the segment that begins with a commit, or a later one, is
// there. One whose head a crash has cut short may be that segment, about to be used again: all
// that was in it had been released.
func (all segments) reaches(newest uint64) error {
	if newest == 0 || slices.ContainsFunc(all, func(f *found) bool {
		return f.used && f.head.first >= newest || !f.used && f.begun()
	}) {
		return nil
	}
	return fmt.Errorf("%w: it begins with commit %d", ErrMissing, newest)
}

// begun reports whether something was written to a segment.
func (f *found) begun() bool {
	return slices.ContainsFunc(f.bytes[:min(len(f.bytes), segmentHead)], func(b byte) bool { return b != 0 })
}

// begins reports whether a segment begins with a commit.
func (all segments) begins(sequence uint64) bool {
	return slices.ContainsFunc(all, func(f *found) bool { return f.used && f.head.first == sequence })
}
