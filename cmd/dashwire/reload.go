package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// lookEvery is how often files are looked at.
const lookEvery = 30 * time.Second

// reloader reads files again while the server runs: those that have changed each
// lookEvery, all of them at SIGHUP. What was read before stays in use when a file is no
// good. read is called before run, and not during it.
type reloader struct {
	log  *slog.Logger
	list []*loaded
	hup  chan os.Signal
}

// newReloader makes a reloader. From here on until the end of run, SIGHUP does not end the
// process.
func newReloader(log *slog.Logger) *reloader {
	r := &reloader{log: log, hup: make(chan os.Signal, 1)}
	signal.Notify(r.hup, syscall.SIGHUP)
	return r
}

// loaded is something that was read from files.
type loaded struct {
	what  string
	paths []string
	load  func() error
	seen  []stamp
}

// stamp is what tells that a file is another one than before; the zero stamp is that of a
// file that is not there.
type stamp struct {
	info     os.FileInfo
	modified time.Time
	size     int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path) // also where a link leads to
	if err != nil {
		return stamp{}
	}
	return stamp{info, info.ModTime(), info.Size()}
}

func (s stamp) same(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil
	}
	return s.size == t.size && s.modified.Equal(t.modified) && os.SameFile(s.info, t.info)
}

// read reads something for the first time and remembers how to read it again.
func (r *reloader) read(what string, paths []string, load func() error) error {
	l := &loaded{what: what, paths: paths, load: load}
	l.look() // before it is read, so that a change meanwhile is seen
	r.list = append(r.list, l)
	return load()
}

// look remembers the files as they are and reports whether one is another than before.
func (l *loaded) look() (changed bool) {
	now := make([]stamp, len(l.paths))
	for i, p := range l.paths {
		now[i] = stampOf(p)
		changed = changed || i >= len(l.seen) || !now[i].same(l.seen[i])
	}
	l.seen = now
	return changed
}

// again reads what has changed, or everything.
func (r *reloader) again(everything bool) {
	for _, l := range r.list {
		if changed := l.look(); !changed && !everything {
			continue
		}
		if err := l.load(); err != nil {
			r.log.Error("files were read again and are no good, so what was read before stays in use", "what", l.what, "files", l.paths, "err", err)
			continue
		}
		r.log.Info("files were read again", "what", l.what, "files", l.paths)
	}
}

// run looks at the files until ctx ends.
func (r *reloader) run(ctx context.Context) {
	defer signal.Stop(r.hup)
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.hup:
			r.again(true)
		case <-every.C:
			r.again(false)
		}
	}
}
