package sqlitejournal

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// The WAL is written again from its start while appends never pause: its file
// stays near the size at which it is checkpointed, whatever is written in all.
func TestWALStaysShortUnderLoad(t *testing.T) {
	const pages = 100
	j := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{tune: tuning{walPages: pages, spreadBytes: 100_000}})
	record := strings.Repeat("x", 4000)
	var appenders sync.WaitGroup
	for d := range 10 {
		appenders.Go(func() {
			for p := range journal.Position(200) {
				if _, err := j.Append(t.Context(), appendOf(fmt.Sprint("d", d), p, record)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	appenders.Wait()
	s := j.Stats()
	t.Logf("%d bytes of records, WAL of %d bytes, %d checkpoints", s.Records*4000, s.WALBytes, s.Checkpoints)
	if s.WALBytes > 10*pages*pageBytes {
		t.Errorf("the WAL has grown to %d bytes, it is checkpointed at %d", s.WALBytes, pages*pageBytes)
	}
	if s.Checkpoints == 0 {
		t.Error("nothing was checkpointed")
	}
}
