package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/observe"
)

// file is where lines are put. One goroutine uses it; other processes may write to the
// same path, so it is looked at anew, under a lock, for each batch.
type file struct {
	path     string
	maxBytes int64
	keep     int
	end      end // as far as it is known
}

// end is where a file ends.
type end struct {
	info os.FileInfo // of the file this is about; nil = not known
	size int64
	seq  uint64 // of the last line, of a file before if this one is empty
	hash string // of it
	torn int64  // bytes after the last whole line
}

// write puts actions down, all or none, and returns when they are on the disk. Without
// actions it only makes sure that it could.
func (f *file) write(actions []observe.Action, now time.Time) (err error) {
	unlock, err := lock(f.path + "-lock")
	if err != nil {
		return fmt.Errorf("locking it: %w", err)
	}
	defer unlock()
	out, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); out != nil && !errors.Is(e, os.ErrClosed) && e != nil {
			err = errors.Join(err, e)
		}
	}()
	if err := out.Chmod(0o600); err != nil {
		return err
	}
	if err := f.look(out); err != nil {
		return err
	}
	if f.end.torn > 0 { // a crash in the middle of a write that nobody was told of
		actions = append([]observe.Action{{
			Time: now, Name: "audit.repaired", Details: map[string]string{"bytes": strconv.FormatInt(f.end.torn, 10)},
		}}, actions...)
	}
	if len(actions) == 0 {
		return nil
	}
	if f.end.size >= f.maxBytes {
		told, err := f.rotate(out, now)
		if err != nil {
			return fmt.Errorf("putting it aside: %w", err)
		}
		if out, err = os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return err
		}
		actions = append([]observe.Action{told}, actions...)
	}
	return f.append(out, actions)
}

// look finds the end of the file, unless it is where it was.
func (f *file) look(out *os.File) error {
	info, err := out.Stat()
	if err != nil {
		return err
	}
	if f.end.info != nil && os.SameFile(f.end.info, info) && f.end.size == info.Size() && f.end.torn == 0 {
		return nil
	}
	e, found, err := endOf(out, info)
	if err != nil {
		return err
	}
	if !found {
		aside, err := setAside(f.path)
		if err != nil {
			return err
		}
		if len(aside) > 0 {
			before, err := endOfPath(aside[len(aside)-1])
			if err != nil {
				return err
			}
			e.seq, e.hash = before.seq, before.hash
		}
	}
	f.end = e
	return nil
}

func endOfPath(path string) (end, error) {
	in, err := os.Open(path)
	if err != nil {
		return end{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return end{}, err
	}
	e, _, err := endOf(in, info)
	return e, err
}

// endOf reads where a file ends; found is false if no whole line is in it.
func endOf(in *os.File, info os.FileInfo) (e end, found bool, err error) {
	e = end{info: info, size: info.Size()}
	back := newBackwards(in, info.Size())
	if e.torn, err = back.torn(); err != nil {
		return e, false, err
	}
	e.size -= e.torn
	for damaged := uint64(0); ; damaged++ {
		text, err := back.next()
		if errors.Is(err, io.EOF) {
			e.seq += damaged
			return e, found, nil
		}
		if err != nil {
			return e, false, err
		}
		if !found {
			e.hash, found = hashOf(text), true
		}
		if line, err := parseLine(text); err == nil {
			e.seq = line.Seq + damaged
			return e, true, nil
		}
	}
}

// append writes lines at the end; what was written of them is taken back if it fails.
func (f *file) append(out *os.File, actions []observe.Action) error {
	e := f.end
	f.end.info = nil // not known unless all goes well
	var text []byte
	for _, a := range actions {
		from := len(text)
		e.seq++
		text = appendLine(text, e.seq, e.hash, a)
		e.hash = hashOf(text[from:])
		text = append(text, '\n')
	}
	if e.torn > 0 {
		if err := out.Truncate(e.size); err != nil {
			return err
		}
	}
	_, err := out.WriteAt(text, e.size)
	if err == nil {
		err = out.Sync()
	}
	if err != nil {
		return errors.Join(err, out.Truncate(e.size))
	}
	if e.size == 0 {
		if err := syncDir(filepath.Dir(f.path)); err != nil {
			return err
		}
	}
	e.size += int64(len(text))
	e.torn = 0
	if e.info, err = out.Stat(); err != nil {
		return err
	}
	f.end = e
	return nil
}

// rotate closes the file, gives it another name and removes the oldest that were put
// aside. It returns the action that tells of it.
func (f *file) rotate(out *os.File, now time.Time) (observe.Action, error) {
	aside := asideName(f.path, f.end.seq)
	told := observe.Action{Time: now, Name: "audit.rotated", Details: map[string]string{"from": filepath.Base(aside)}}
	last := end{seq: f.end.seq, hash: f.end.hash}
	f.end.info = nil // not known unless all goes well
	if err := errors.Join(out.Truncate(f.end.size), out.Close()); err != nil {
		return told, err
	}
	if err := os.Rename(f.path, aside); err != nil {
		return told, err
	}
	all, err := setAside(f.path)
	if err != nil {
		return told, err
	}
	for _, path := range all[:max(0, len(all)-f.keep)] {
		if err := os.Remove(path); err != nil {
			return told, err
		}
		told.Details["removed"] = filepath.Base(path)
	}
	f.end = last
	return told, nil
}

// asideName is what a file is called once it was put aside, by its last line; written as
// setAside writes it, so that names can be compared.
func asideName(path string, seq uint64) string {
	path = filepath.Clean(path)
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s.%012d%s", strings.TrimSuffix(path, ext), seq, ext)
}

// setAside lists the files that were put aside, the oldest first.
func setAside(path string) ([]string, error) {
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(filepath.Base(path), ext) + "."
	var list []string
	for _, n := range names {
		number, ours := strings.CutPrefix(n.Name(), stem)
		number, ext := strings.CutSuffix(number, ext)
		if ours && ext && len(number) == 12 && strings.Trim(number, "0123456789") == "" {
			list = append(list, filepath.Join(filepath.Dir(path), n.Name()))
		}
	}
	slices.Sort(list)
	return list, nil
}

// backwards reads the lines of a file from its end.
type backwards struct {
	in   io.ReaderAt
	left int64  // bytes not read yet
	have []byte // read and not given out, of which the end is a line's
}

func newBackwards(in io.ReaderAt, size int64) *backwards { return &backwards{in: in, left: size} }

// maxLine bounds a line, in bytes: what is written is a good deal shorter.
const maxLine = 1 << 20

// more reads the block before.
func (b *backwards) more() error {
	if b.left == 0 {
		return io.EOF
	}
	if len(b.have) > maxLine {
		return errors.New("a line is longer than any that is written")
	}
	block := make([]byte, min(b.left, 64<<10))
	if _, err := b.in.ReadAt(block, b.left-int64(len(block))); err != nil {
		return err
	}
	b.left -= int64(len(block))
	b.have = append(block, b.have...)
	return nil
}

// torn is how many bytes stand after the last whole line. It is asked first.
func (b *backwards) torn() (int64, error) {
	for {
		if i := bytes.LastIndexByte(b.have, '\n'); i >= 0 {
			n := len(b.have) - i - 1
			b.have = b.have[:i+1]
			return int64(n), nil
		}
		if err := b.more(); errors.Is(err, io.EOF) {
			n := len(b.have)
			b.have = nil
			return int64(n), nil
		} else if err != nil {
			return 0, err
		}
	}
}

// next gives the line before, without its end; io.EOF at the beginning. The text is
// good until the next call.
func (b *backwards) next() ([]byte, error) {
	for {
		if n := len(b.have); n > 0 {
			if i := bytes.LastIndexByte(b.have[:n-1], '\n'); i >= 0 {
				line := b.have[i+1 : n-1]
				b.have = b.have[:i+1]
				return line, nil
			}
		}
		err := b.more()
		if errors.Is(err, io.EOF) && len(b.have) > 0 {
			line := b.have[:len(b.have)-1]
			b.have = nil
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
