package sqlitejournal

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// pinnedCommit is a commit as it must be read by later versions.
const pinnedCommit = "6f6e6574687265657b7dff00" + // onethree{} and two bytes
	"036f70732a02030502c14da549" + "03613a62010102008709414e" +
	"00505c18a301000019000000e6cf8f1101"

func pinned(t testing.TB) (payload []byte, records []stored) {
	t.Helper()
	c := new(commit)
	c.begin(1_800_000_000_000, 2, 3, 6, 64)
	first := journal.Append{DashboardID: "ops", After: 41, Records: [][]byte{[]byte("one"), []byte("three")}, Summary: []byte("{}")}
	records, summary := c.add(first, nil)
	if string(summary) != "{}" {
		t.Errorf("the summary is %q", summary)
	}
	records, _ = c.add(journal.Append{DashboardID: "a:b", Records: [][]byte{{0xff, 0}}}, records)
	return c.finish()[len(commitlog.Frame(0)):], records
}

// The form in which commits are kept is pinned: files are read by later versions.
func TestCommitIsPinned(t *testing.T) {
	payload, records := pinned(t)
	if got := hex.EncodeToString(payload); got != pinnedCommit {
		t.Errorf("the commit is\n%s, want\n%s", got, pinnedCommit)
	}
	appends, err := decodeCommit(payload, true)
	if err != nil || len(appends) != 2 {
		t.Fatalf("got %+v, %v", appends, err)
	}
	n := 0
	for _, a := range appends {
		if !a.whole || a.time != 1_800_000_000_000 {
			t.Errorf("got %+v", a)
		}
		for _, data := range a.records {
			if !slices.Equal(data, records[n].data) {
				t.Errorf("record %d comes back as %q", n, data)
			}
			n++
		}
	}
	if a := appends[0]; a.id != "ops" || a.first != 42 || len(a.records) != 2 || string(a.summary) != "{}" {
		t.Errorf("got %+v", a)
	}
	if a := appends[1]; a.id != "a:b" || a.first != 1 || len(a.records) != 1 || len(a.summary) != 0 {
		t.Errorf("got %+v", a)
	}
}

// Every bit of a commit counts: turned over, either it cannot be read, or it is known which
// dashboard's records are bad.
func TestR7_DamageInACommitIsTold(t *testing.T) {
	payload, _ := pinned(t)
	for bit := range 8 * len(payload) {
		bad := slices.Clone(payload)
		bad[bit/8] ^= 1 << (bit % 8)
		appends, err := decodeCommit(bad, true)
		if err == nil && !slices.ContainsFunc(appends, func(a committed) bool { return !a.whole }) {
			t.Errorf("bit %d turned over passes", bit)
		}
	}
	for n := range payload {
		if appends, err := decodeCommit(payload[:n], true); err == nil {
			t.Errorf("the first %d bytes gave %+v", n, appends)
		}
	}
}

// FuzzDecodeCommit gives decodeCommit any bytes: an error is fine, a panic or a record from
// outside of them is not.
func FuzzDecodeCommit(f *testing.F) {
	payload, _ := pinned(f)
	f.Add(payload)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		appends, err := decodeCommit(b, true)
		if err != nil {
			return
		}
		n := 0
		for _, a := range appends {
			if err := journal.ValidateID(a.id); err != nil || len(a.records) == 0 || a.first == 0 {
				t.Errorf("%+v: %v", a, err)
			}
			for _, data := range a.records {
				n += len(data)
			}
		}
		if n > len(b) {
			t.Errorf("%d bytes of records out of %d", n, len(b))
		}
	})
}
