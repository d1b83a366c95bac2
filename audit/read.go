package audit

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
)

// Query says which lines to read: the newest first.
type Query struct {
	// Before and After bound the lines by Seq, both exclusive; Before 0 = no bound.
	Before, After uint64
	// Limit is how many lines are returned at most. 0 = 50.
	Limit int
	// Scan is how many lines are looked at, at most. 0 = 10,000.
	Scan int
	// Match picks lines; nil = all.
	Match func(*Line) bool
	// Until ends reading at the first line that it reports true for; nil = none.
	Until func(*Line) bool
}

// Page is what a query found.
type Page struct {
	Lines []Line // the newest first
	// Next is the Before of the page after this, 0 if there is none.
	Next uint64
	// Newest is the Seq of the newest line there is, whether it matches or not.
	Newest uint64
}

// Read reads lines of the log, with all that was noted before.
func (l *Log) Read(ctx context.Context, q Query) (Page, error) {
	if err := l.settle(ctx); err != nil {
		return Page{}, err
	}
	return Read(ctx, l.path, q)
}

// Read reads lines of the log in a file, while others may write to it. Lines that
// cannot be read are passed over: [Verify] tells of them. A file that is not there has
// no lines.
func Read(ctx context.Context, path string, q Query) (Page, error) {
	var p Page
	if q.Limit <= 0 {
		q.Limit = 50
	}
	if q.Scan <= 0 {
		q.Scan = 10_000
	}
	scanned := 0
	err := eachBackwards(path, q.Before, func(text []byte) (bool, error) {
		line, err := parseLine(text)
		if err != nil {
			return true, ctx.Err()
		}
		p.Newest = max(p.Newest, line.Seq)
		if q.Before > 0 && line.Seq >= q.Before {
			return true, ctx.Err()
		}
		if line.Seq <= q.After || q.Until != nil && q.Until(&line) {
			return false, nil
		}
		if len(p.Lines) == q.Limit || scanned == q.Scan {
			p.Next = line.Seq + 1
			return false, nil
		}
		scanned++
		if q.Match == nil || q.Match(&line) {
			p.Lines = append(p.Lines, line)
		}
		return true, ctx.Err()
	})
	return p, err
}

// eachBackwards calls f for the lines of all files, the newest first, until it returns
// false or an error. Files that only hold lines from before on may be left out, but for
// the newest.
func eachBackwards(path string, before uint64, f func(text []byte) (bool, error)) error {
	all, err := openFiles(path)
	if err != nil {
		return err
	}
	defer all.Close()
	for i, in := range slices.Backward(all) {
		// A file is called by its last line, so what follows the next older file is newer.
		if before > 0 && i > 0 && i < len(all)-1 && all[i-1].Name() >= asideName(path, before) {
			continue
		}
		more, err := oneBackwards(in, f)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func oneBackwards(in *os.File, f func(text []byte) (bool, error)) (more bool, err error) {
	info, err := in.Stat()
	if err != nil {
		return false, err
	}
	back := newBackwards(in, info.Size())
	if _, err := back.torn(); err != nil {
		return false, err
	}
	for {
		text, err := back.next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if more, err := f(text); err != nil || !more {
			return false, err
		}
	}
}
