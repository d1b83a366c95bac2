package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Report is what Verify found.
type Report struct {
	Files, Lines int
	// First and Last are the numbers of the first and last line; 0 if there is none.
	First, Last uint64
	// Head is the hash of the last line. Whoever keeps it elsewhere can tell later that
	// nothing was cut off: it stands in the line that follows.
	Head string
	// Damage says where the chain of lines is broken.
	Damage []string
}

// Verify reads all files of a log and follows the chain of hashes through them. A
// server may write meanwhile. The error is about reading; a file that is not there has
// no lines.
func Verify(ctx context.Context, path string) (Report, error) {
	var r Report
	all, err := openFiles(path)
	if err != nil {
		return r, err
	}
	defer all.Close()
	v := verifier{report: &r}
	for _, in := range all {
		if err := v.file(ctx, in); err != nil {
			return r, err
		}
		r.Files++
	}
	r.Head, r.Last = v.hash, v.seq
	return r, nil
}

// maxDamage bounds how many breaks are told of.
const maxDamage = 20

type verifier struct {
	report *Report
	hash   string // of the line before
	seq    uint64
}

func (v *verifier) file(ctx context.Context, in *os.File) error {
	read := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := read.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what stands after the last whole line is being written, or was not told of
		}
		if err != nil {
			return err
		}
		v.line(fmt.Sprintf("%s:%d", filepath.Base(in.Name()), n), text[:len(text)-1])
	}
}

func (v *verifier) line(at string, text []byte) {
	r := v.report
	line, err := parseLine(text)
	switch {
	case err != nil:
		v.broken("%s: this is no line of an audit log", at)
	case r.Lines == 0 && line.Seq == 1 && line.Prev != "":
		v.broken("%s: line 1 follows on another, which is missing", at)
	case r.Lines > 0 && line.Seq != v.seq+1:
		v.broken("%s: line %d follows on line %d", at, line.Seq, v.seq)
	case r.Lines > 0 && line.Prev != v.hash:
		v.broken("%s: the line before was changed, or lines are missing", at)
	}
	v.hash = hashOf(text)
	if err == nil {
		v.seq = line.Seq
	} else {
		v.seq++
	}
	if r.Lines++; r.Lines == 1 {
		r.First = v.seq
	}
}

func (v *verifier) broken(format string, args ...any) {
	switch n := len(v.report.Damage); {
	case n < maxDamage:
		v.report.Damage = append(v.report.Damage, fmt.Sprintf(format, args...))
	case n == maxDamage:
		v.report.Damage = append(v.report.Damage, "and more")
	}
}
