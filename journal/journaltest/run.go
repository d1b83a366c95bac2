package journaltest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// Run runs the suite. Each sub-test gets an empty journal of its own; the driver
// closes it with t.Cleanup.
func Run(t *testing.T, newJournal func(t *testing.T) journal.Journal) {
	tests := []struct {
		name string
		run  func(t *testing.T, j journal.Journal)
	}{
		{"A1_AppendReadsBack", appendReadsBack},
		{"A1_IdenticalRepeatIsConfirmed", identicalRepeat},
		{"A1_CancelledAppendIsAllOrNothing", cancelledAppend},
		{"A1_StartedIsAppended", started},
		{"A3_MovedStoresNothing", movedStoresNothing},
		{"A3_OneWinnerPerPosition", oneWinner},
		{"A3_HeadSeesEveryFinishedAppend", headLinearizable},
		{"A1_HeadIsAsDurableAsAppendSays", headDurability},
		{"InvalidAppendStoresNothing", invalidAppend},
		{"UnknownDashboardIsEmpty", unknownDashboard},
		{"ReadRanges", readRanges},
		{"ReadDuringAppends", readDuringAppends},
		{"CancelledContextEndsReads", cancelledReads},
		{"A5_Snapshots", snapshots},
		{"A5_FarSnapshots", farSnapshots},
		{"ReadRange", readRange},
		{"A5_SnapshotAfterHeadIsInvalid", snapshotAfterHead},
		{"ListPagesInOrderOfBytes", listPages},
		{"ListShowsHeadTimeAndSummary", listInfo},
		{"FollowDeliversOwnAppendsInOrder", followOrder},
		{"FollowAndReadMissNothing", followGapRule},
		{"A4_ALogMayBeginLater", beginsLater},
		{"A4_OneBeginningPerLog", oneBeginning},
		{"FollowHearsWhereALogBegins", followBeginning},
		{"ManyDashboardsAtOnce", manyDashboards},
		{"BigRecords", bigRecords},
		{"D2_EveryAllowedCharacter", everyCharacter},
		{"SlicesAreNotShared", noAliasing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newJournal(t)) })
	}
}

// must appends and fails the test on any error.
func must(t *testing.T, j journal.Journal, id string, after journal.Position, records ...string) {
	t.Helper()
	if err := try(j, id, after, records...); err != nil {
		t.Fatalf("append to %s after %d: %v", id, after, err)
	}
}

func try(j journal.Journal, id string, after journal.Position, records ...string) error {
	_, err := j.Append(context.Background(), make1(id, after, records...))
	return err
}

func make1(id string, after journal.Position, records ...string) journal.Append {
	a := journal.Append{DashboardID: id, After: after, Summary: []byte(`{}`)}
	for _, r := range records {
		a.Records = append(a.Records, []byte(r))
	}
	return a
}

// settle repeats the append for as long as the journal does not know.
func settle(j journal.Journal, a journal.Append) error {
	for {
		_, err := j.Append(context.Background(), a)
		if !errors.Is(err, journal.ErrUnknown) {
			return err
		}
	}
}

// wantHead fails the test unless the head is at a position.
func wantHead(t *testing.T, j journal.Journal, id string, want journal.Position) {
	t.Helper()
	got, _, err := j.Head(context.Background(), id)
	if err != nil || got != want {
		t.Fatalf("head of %s: got %d, %v; want %d", id, got, err, want)
	}
}

// wantLog fails the test unless the log holds exactly these records after a position.
func wantLog(t *testing.T, j journal.Journal, id string, after journal.Position, want ...string) {
	t.Helper()
	got, err := collect(j, id, after)
	if err != nil {
		t.Fatalf("read %s after %d: %v", id, after, err)
	}
	if len(got) != len(want) {
		t.Fatalf("read %s after %d: got %d records, want %d", id, after, len(got), len(want))
	}
	for i := range got {
		if string(got[i].Data) != want[i] {
			t.Fatalf("read %s: record %d is %.60q, want %.60q", id, got[i].Position, got[i].Data, want[i])
		}
	}
}

// collect reads to the end and checks that positions have no gap.
func collect(j journal.Journal, id string, after journal.Position) ([]journal.Record, error) {
	var records []journal.Record
	for r, err := range j.Read(context.Background(), id, after) {
		if err != nil {
			return records, err
		}
		after++
		if r.Position != after {
			return records, fmt.Errorf("got position %d where %d belongs", r.Position, after)
		}
		if r.Time.IsZero() {
			return records, fmt.Errorf("record %d has no time", r.Position)
		}
		records = append(records, r)
	}
	return records, nil
}
