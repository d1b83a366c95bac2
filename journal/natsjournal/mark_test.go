package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/internal/freeport"
	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/journal"
)

// backup is a server's files as they were once.
type backup struct {
	s    *natstest.Server
	dirs string // where they are kept
}

// backUp copies the files of a server, which stops for it.
func backUp(t *testing.T, s *natstest.Server) *backup {
	t.Helper()
	b := &backup{s, filepath.Join(t.TempDir(), "backup")}
	s.Stop(t)
	if err := os.CopyFS(b.dirs, os.DirFS(s.Dir)); err != nil {
		t.Fatal(err)
	}
	s.Start(t)
	return b
}

// putBack puts the files of some folders in the place of what is there; the server is
// stopped then.
func (b *backup) putBack(t *testing.T, folder string) {
	t.Helper()
	b.s.Stop(t)
	target := filepath.Join(b.s.Dir, folder)
	if err := os.RemoveAll(target); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(target, os.DirFS(filepath.Join(b.dirs, folder))); err != nil {
		t.Fatal(err)
	}
}

// elsewhere starts a stopped server on a port that nobody knows, for as long as f runs.
func (b *backup) elsewhere(t *testing.T, f func(url string)) {
	t.Helper()
	port := b.s.Port
	b.s.Port = freeport.Take(t, 1)[0]
	b.s.Start(t)
	f(b.s.URL())
	b.s.Stop(t)
	b.s.Port = port
}

// fill makes a log of that many records, one append each.
func fill(t *testing.T, j *Journal, id string, after, n int) {
	t.Helper()
	for i := after; i < after+n; i++ {
		must(t, j, of(id, journal.Position(i), fmt.Sprint(id, " ", i)))
	}
}

// marked are options with a file of its own.
func marked(t *testing.T) Options {
	o := single()
	o.MarkFile = filepath.Join(t.TempDir(), "mark")
	return o
}

// isRefused opens a stream that lacks what the mark tells of, again and again.
func isRefused(t *testing.T, url string, o Options) {
	t.Helper()
	for range 2 { // the refusal is no evidence that it is well
		j, err := Open(t.Context(), url, o)
		if err == nil {
			j.Close()
		}
		if !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "dashwire new-epochs") {
			t.Fatalf("open: got %v, want ErrRolledBack and what to do", err)
		}
	}
}

// TestR1_AStreamPutBackIsRefusedAtTheStart: a node that was away remembers what it saw.
func TestR1_AStreamPutBackIsRefusedAtTheStart(t *testing.T) {
	for _, tt := range []struct {
		name string
		then func(t *testing.T, j *Journal) // what others do to the stream meanwhile
	}{
		{"as it was", func(*testing.T, *Journal) {}},
		{"and gone on", func(t *testing.T, j *Journal) { fill(t, j, "ops", 3, 9) }},
		{"and gone on elsewhere", func(t *testing.T, j *Journal) { fill(t, j, "other", 0, 9) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := natstest.New(t)
			o := marked(t)
			j := mustOpen(t, s.URL(), o)
			fill(t, j, "ops", 0, 3)
			j.Close()
			b := backUp(t, s)
			j = mustOpen(t, s.URL(), o) // all is well
			fill(t, j, "ops", 3, 4)
			until(t, "the node hears of it", func() bool { return j.Stats().Followed >= 4 })
			j.Close()
			b.putBack(t, "jetstream")
			s.Start(t)
			tt.then(t, mustOpen(t, s.URL(), single()))
			isRefused(t, s.URL(), o)

			renewed := 0
			mend := mustOpen(t, s.URL(), single())
			if err := mend.AfterRestore(t.Context(), func(context.Context, journal.Info) error { renewed++; return nil }); err != nil || renewed == 0 {
				t.Fatalf("%d logs begun anew, %v", renewed, err)
			}
			j = mustOpen(t, s.URL(), o)
			fill(t, j, "third", 0, 1)
			j.Close()
			mustOpen(t, s.URL(), o)
		})
	}
}

// TestR1_AStreamPutBackIsNoticedWhileOpen: the connection broke, and the stream behind
// it is an older one, or has even gone on from there.
func TestR1_AStreamPutBackIsNoticedWhileOpen(t *testing.T) {
	for _, more := range []int{0, 9} {
		t.Run(fmt.Sprint(more, " more"), func(t *testing.T) {
			s := natstest.New(t)
			o := marked(t)
			o.tune.patience = 200 * time.Millisecond
			j := mustOpen(t, s.URL(), o)
			fill(t, j, "ops", 0, 3)
			b := backUp(t, s)
			until(t, "the journal is well", func() bool { return j.Trouble() == nil })
			fill(t, j, "ops", 3, 4)
			until(t, "the node hears of it", func() bool { return j.Stats().Followed == 7 })
			b.putBack(t, "jetstream")
			b.elsewhere(t, func(url string) {
				other := mustOpen(t, url, single())
				fill(t, other, "ops", 3, more)
				other.Close()
			})
			s.Start(t)
			<-j.whole.Done()
			if trouble := j.Trouble(); trouble == nil || !errors.Is(trouble, ErrRolledBack) || !strings.Contains(trouble.Text, "dashwire new-epochs") {
				t.Errorf("the trouble is %v, want ErrRolledBack and what to do", trouble)
			}
			if _, err := j.Append(t.Context(), of("ops", 7, "x")); !errors.Is(err, ErrRolledBack) || !errors.Is(err, journal.ErrUnavailable) {
				t.Errorf("append: got %v, want ErrRolledBack", err)
			}
			if _, _, err := j.Head(t.Context(), "ops"); !errors.Is(err, ErrRolledBack) {
				t.Errorf("head: got %v, want ErrRolledBack", err)
			}
			j.Close()
			isRefused(t, s.URL(), o)
		})
	}
}

// TestR1_ASnapshotBeyondTheLog: the logs alone were put back, and no node remembers.
func TestR1_ASnapshotBeyondTheLog(t *testing.T) {
	s := natstest.New(t)
	j := mustOpen(t, s.URL(), single())
	fill(t, j, "ops", 0, 3)
	b := backUp(t, s)
	until(t, "the journal is well", func() bool { return j.Trouble() == nil })
	fill(t, j, "ops", 3, 4)
	fill(t, j, "later", 0, 2)
	for _, id := range []string{"ops", "later"} {
		if err := j.SaveSnapshot(t.Context(), id, journal.Snapshot{Position: 2, Data: []byte("2")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 7, Data: []byte("7")}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	b.putBack(t, filepath.Join("jetstream", "$G", "streams", "dashwire"))
	s.Start(t)
	j = mustOpen(t, s.URL(), single())
	if got, err := j.Snapshot(t.Context(), "ops", 1<<63-1); !errors.Is(err, ErrRolledBack) {
		t.Fatalf("a snapshot of what is gone: got %+v, %v, want ErrRolledBack", got, err)
	}
	if _, err := j.Append(t.Context(), of("ops", 3, "x")); !errors.Is(err, ErrRolledBack) {
		t.Errorf("append: got %v, want ErrRolledBack", err)
	}

	mend := mustOpen(t, s.URL(), single())
	if err := mend.AfterRestore(t.Context(), func(ctx context.Context, info journal.Info) error {
		if snap, err := mend.Snapshot(ctx, info.DashboardID, 1<<63-1); err != nil || snap.Position != 0 {
			t.Errorf("%s begins anew from snapshot %d, %v; want from its log", info.DashboardID, snap.Position, err)
		}
		return settle(ctx, mend, of(info.DashboardID, info.Head, "anew"))
	}); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, s.URL(), single())
	wantLog(t, j, "ops", "ops 0", "ops 1", "ops 2", "anew")
	// One that is gone with its log is nobody's snapshot when the id is used again.
	fill(t, j, "later", 0, 2)
	if snap, err := j.Snapshot(t.Context(), "later", 1<<63-1); err != nil || snap.Position != 0 {
		t.Errorf("the snapshot of a dashboard made again is %+v, %v", snap, err)
	}
}

// TestR1_AStreamThatIsGoneIsNotMadeAgain: nor is a new one taken for the one before.
func TestR1_AStreamThatIsGoneIsNotMadeAgain(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	o := marked(t)
	mustOpen(t, s.url(), o).Close()
	js := admin(t, s.url())
	// NATS removes the folder of streams if it is empty, some time after it has answered that
	// the last one is deleted, and one that is made just then fails. With this it is not empty.
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "neighbour", Subjects: []string{"neighbour"}}); err != nil {
		t.Fatal(err)
	}
	remove := func() {
		for _, name := range []string{"dashwire", "dashwire-snapshots"} {
			if err := js.DeleteStream(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove()
	j := mustOpen(t, s.url(), o) // there was nothing in it
	fill(t, j, "ops", 0, 3)
	until(t, "the node hears of it", func() bool { return j.Stats().Followed == 3 })
	j.Close()
	remove()
	if j, err := Open(t.Context(), s.url(), o); err == nil {
		j.Close()
		t.Fatal("a stream was made in the place of one that is gone")
	} else if !strings.Contains(err.Error(), o.MarkFile) {
		t.Errorf("the error does not say what to do: %v", err)
	}
	fresh := mustOpen(t, s.url(), single()) // by a node that knows nothing
	j = mustOpen(t, s.url(), o)
	if j.Generation() != fresh.Generation() {
		t.Error("two nodes use different streams")
	}
	wantLog(t, j, "ops")
}

// TestR1_RunningNodesGiveWayToNewEpochs: what they hold counts in the old ones.
func TestR1_RunningNodesGiveWayToNewEpochs(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	running := mustOpen(t, s.url(), single())
	fill(t, running, "ops", 0, 3)
	mend := mustOpen(t, s.url(), single())
	if err := mend.AfterRestore(t.Context(), func(context.Context, journal.Info) error { return nil }); err != nil {
		t.Fatal(err)
	}
	running.suspect()
	<-running.whole.Done()
	if err := running.state(); !errors.Is(err, ErrRecreated) {
		t.Errorf("got %v, want ErrRecreated", err)
	}
	mend.suspect()
	if _, err := mend.Append(t.Context(), of("ops", 3, "x")); err != nil {
		t.Error(err)
	}
}

// TestR1_ADamagedMarkIsTold: it is not taken for none.
func TestR1_ADamagedMarkIsTold(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	o := marked(t)
	if err := os.WriteFile(o.MarkFile, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if j, err := Open(t.Context(), s.url(), o); err == nil {
		j.Close()
		t.Fatal("it was passed over")
	} else if !strings.Contains(err.Error(), o.MarkFile) {
		t.Errorf("the error does not name the file: %v", err)
	}
}
