package sqlitejournal

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// The form in which records are kept is pinned: files are read by later versions.
func TestChunkIsPinned(t *testing.T) {
	var c chunk
	c.reset(41)
	c.add(stored{data: []byte("one"), time: 1_800_000_000_000})
	c.add(stored{data: []byte{0xff, 0}, time: 1_800_000_000_001})
	if got, want := string(c.records), "[[1800000000000,0,3],[1800000000001,3,2]]"; got != want {
		t.Errorf("the list is %s, want %s", got, want)
	}
	if got := c.crc("ops"); string(c.data) != "one\xff\x00" || c.last != 43 || got != 3976837252 {
		t.Errorf("the data is %q up to %d with checksum %d", c.data, c.last, got)
	}
	row := []driver.Value{entryKey(7, 43), int64(c.crc("ops")), string(c.records), c.data}
	last, parts, _, err := readChunk("ops", 7, row, nil)
	if err != nil || last != 43 || fmt.Sprint(parts) != "[{1800000000000 0 3} {1800000000001 3 2}]" {
		t.Errorf("it comes back as %v up to %d, %v", parts, last, err)
	}
	for name, row := range map[string][]driver.Value{
		"another position": {entryKey(7, 44), row[1], row[2], row[3]},
		"another checksum": {row[0], row[1].(int64) + 1, row[2], row[3]},
		"another list":     {row[0], row[1], "[[1800000000000,0,3],[1800000000002,3,2]]", row[3]},
		"other data":       {row[0], row[1], row[2], []byte("onf\xff\x00")},
		"nothing in it":    {nil, nil, nil, nil},
	} {
		if _, _, _, err := readChunk("ops", 7, row, nil); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, _, err := readChunk("net", 7, row, nil); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("another dashboard: got %v", err)
	}
}

func TestParseRecordsRefusesWhatCannotBe(t *testing.T) {
	for _, list := range []string{
		``, `[`, `[]`, `{}`, `[[1,0,3]]`, `[[1,0,11]]`, `[[1,0,10],]`, `[[1,0,10]`, `[1,0,10]`, `[[1,0,10,4]]`, `[[1,0]]`, `[[1,0,"10"]]`,
		`[[1,0,5][1,5,5]]`, `[[1,0,5],[1,6,4]]`, `[[1,0,5],[1,5,-5]]`, `[[1,0,5],[1,5,6]]`, `[[1,0,99999999999999999999]]`, `[[1,0,1.0e1]]`,
		strings.Repeat("[", 20_000),
	} {
		if parts, err := parseRecords(list, 10, nil); err == nil {
			t.Errorf("%.60s gave %v", list, parts)
		}
	}
	if parts, err := parseRecords(`[[1,0,4],[-2,4,6]]`, 10, nil); err != nil || len(parts) != 2 {
		t.Errorf("got %v, %v", parts, err)
	}
}

// A log of single edits, each spread before the next comes, is neither a row for each
// nor one row that is written again and again.
func TestA6_SingleEditsFillChunks(t *testing.T) {
	j := mustOpen(t, closedJournal(t), Options{tune: tuning{idle: time.Hour, spreadBytes: 1}})
	var want []string
	for p := range journal.Position(500) {
		record := fmt.Sprint("record ", p+1, " of 100 bytes ", strings.Repeat("x", 80))
		mustAppend(t, j, "single", p, record)
		want = append(want, record)
	}
	wantLog(t, j, "single", want...)
	err := j.read(t.Context(), func(c *conn) error {
		rows, err := readMax(t.Context(), c, "SELECT count(*) FROM chunks WHERE key >> 40 = (SELECT key FROM dashboards WHERE id = 'single')")
		if rows < 500/chunkRecords || rows > 500*2*100/refillBytes {
			t.Errorf("%d rows", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
