package natsjournal

import (
	"fmt"
	"testing"

	"github.com/dashwire/dashwire/internal/natstest"
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
	c := natstest.NewCluster(t)
	n := 0
	journaltest.Run(t, func(t *testing.T) journal.Journal {
		o := single()
		o.Replicas = 3
		o.tune = tuning{pageIDs: 4, batchBytes: 4 << 10, chunk: 100 << 10} // many pages and parts
		n++
		o.Stream = fmt.Sprint("run", n)
		return mustOpen(t, c.URLs(), o)
	})
}

// TestDurable stops the server between opening and opening again.
func TestDurable(t *testing.T) {
	servers := make(map[string]*natstest.Server)
	journaltest.RunDurable(t, func(t *testing.T, dir string) (journal.Journal, func()) {
		s := servers[dir]
		if s == nil {
			s = natstest.New(t)
			servers[dir] = s
		} else {
			s.Start(t)
		}
		o := single()
		o.Stream = "durable"
		j, err := Open(t.Context(), s.URL(), o)
		if err != nil {
			t.Fatal(err)
		}
		return j, func() {
			j.Close()
			s.Stop(t)
		}
	})
}
