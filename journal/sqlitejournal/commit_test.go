package sqlitejournal

import (
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// The form in which commits are kept is pinned: files are read by later versions.
func TestCommitRowIsPinned(t *testing.T) {
	row := newCommitRow(1_800_000_000_000, 3, 64)
	first := journal.Append{DashboardID: "ops", After: 41, Records: [][]byte{[]byte("one"), []byte("three")}, Summary: []byte("{}")}
	records, summary := row.add(first, nil)
	records, _ = row.add(journal.Append{DashboardID: "a:b", Records: [][]byte{{0xff, 0}}}, records)
	index, crc := row.index()
	const want = `[["ops",42,0,3,862840269],["ops",43,3,5,4149127420,8,2],["a:b",1,10,2,1312885127,12,0]]`
	if index != want {
		t.Errorf("the record list is\n%s, want\n%s", index, want)
	}
	if got := string(row.data); got != "onethree{}\xff\x00" || string(summary) != "{}" {
		t.Errorf("the data is %q, the summary %q", got, summary)
	}
	list, err := decodeCommit(row.time, crc, index, row.data)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range list {
		if !slices.Equal(x.record.data, records[i].data) || x.record.crc != records[i].crc {
			t.Errorf("record %d comes back as %q", i, x.record.data)
		}
		if recordCRC(x.id, x.position, x.record.time, x.record.data) != x.record.crc {
			t.Errorf("record %d fails its checksum", i)
		}
	}
	if len(list) != 3 || list[1].id != "ops" || list[1].position != 43 || !list[1].last || string(list[1].summary) != "{}" || list[0].last {
		t.Errorf("got %+v", list)
	}
	if _, err := decodeCommit(row.time, crc+1, index, row.data); err == nil {
		t.Error("a wrong checksum passes")
	}
}

func TestDecodeCommitRefusesWhatCannotBe(t *testing.T) {
	data := []byte("0123456789")
	for _, records := range []string{
		``, `{}`, `[[]]`, `[["ops",1,0,3]]`, `[["ops",1,0,3,4,5]]`, `[[7,1,0,3,4]]`, `[["",1,0,3,4]]`, `[["a b",1,0,3,4]]`,
		`[["ops",0,0,3,4]]`, `[["ops",-1,0,3,4]]`, `[["ops",1.5,0,3,4]]`, `[["ops",1099511627776,0,3,4]]`, `[["ops",1,11,1,4]]`,
		`[["ops",1,0,0,4]]`, `[["ops",1,8,3,4]]`, `[["ops",1,0,9223372036854775807,4]]`, `[["ops",1,0,99999999999999999999,4]]`,
		`[["ops",1,0,3,4294967296]]`, `[["ops",1,0,3,4,9,2]]`, `[["ops",1,0,3,4,0,-1]]`, `[["ops",1,0,3,"4"]]`, `[["ops",1,0,3,4]`,
		strings.Repeat("[", 20_000),
	} {
		if list, err := decodeCommit(1, crc32.Checksum([]byte(records), castagnoli), records, data); err == nil {
			t.Errorf("%.60s gave %+v", records, list)
		}
	}
}
