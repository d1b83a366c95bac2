package natsjournal

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/journaltest"
)

func TestConformanceOnOneServer(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	n := 0
	journaltest.Run(t, func(t *testing.T) journal.Journal {
		o := single()
		n++
		o.Stream = fmt.Sprint("run", n)
		return mustOpen(t, s.url(), o)
	})
}

func TestConformanceOnACluster(t *testing.T) {
	c := newCluster(t)
	n := 0
	journaltest.Run(t, func(t *testing.T) journal.Journal {
		o := single()
		o.Replicas = 3
		o.tune = tuning{pageIDs: 4, batchBytes: 4 << 10, chunk: 100 << 10} // many pages and parts
		n++
		o.Stream = fmt.Sprint("run", n)
		return mustOpen(t, c.urls(), o)
	})
}

// TestDurable stops the server between opening and opening again.
func TestDurable(t *testing.T) {
	servers := make(map[string]*natsServer)
	journaltest.RunDurable(t, func(t *testing.T, dir string) (journal.Journal, func()) {
		s := servers[dir]
		if s == nil {
			s = newServer(t, filepath.Join(dir, "server"), true)
			servers[dir] = s
		} else {
			s.start(t)
		}
		o := single()
		o.Stream = "durable"
		j, err := Open(t.Context(), s.url(), o)
		if err != nil {
			t.Fatal(err)
		}
		return j, func() {
			j.Close()
			s.stop()
		}
	})
}
