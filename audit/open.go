package audit

import (
	"errors"
	"os"
)

// files are those of one log, open, the oldest first.
type files []*os.File

// openFiles opens all there is of a log: one state of it, also while a writer puts the file aside
// and removes the oldest. The file itself is opened before the others are listed, so that it is
// among what was opened under whichever name it has by then. What was removed before it could be
// opened was the oldest.
func openFiles(path string) (all files, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, all.Close())
			all = nil
		}
	}()
	newest, err := os.Open(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if newest != nil {
		defer func() { all = append(all, newest) }() // before the other deferred call: closed there too
	}
	aside, err := setAside(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, name := range aside {
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			err = all.Close()
			all = nil
			if err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return all, err
		}
		if newest != nil && same(f, newest) {
			return all, f.Close()
		}
		all = append(all, f)
	}
	return all, nil
}

// same tells whether two open files are one.
func same(a, b *os.File) bool {
	first, err := a.Stat()
	if err != nil {
		return false
	}
	second, err := b.Stat()
	return err == nil && os.SameFile(first, second)
}

// Close closes all of them.
func (all files) Close() error {
	var errs []error
	for _, f := range all {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
