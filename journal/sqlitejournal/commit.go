package sqlitejournal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/dashwire/dashwire/journal"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recordCRC covers what a record is and where it belongs, so that a row in a
// wrong place is noticed too.
func recordCRC(id string, p journal.Position, time int64, data []byte) uint32 {
	return new(whereabouts).crc(id, p, time, data)
}

// whereabouts is where a record belongs, as its checksum covers it.
type whereabouts [16 + 128]byte

func (w *whereabouts) crc(id string, p journal.Position, time int64, data []byte) uint32 {
	binary.BigEndian.PutUint64(w[:], uint64(p))
	binary.BigEndian.PutUint64(w[8:], uint64(time))
	n := 16 + copy(w[16:], id)
	return crc32.Update(crc32.Update(0, castagnoli, w[:n]), castagnoli, data)
}

// stored is a record in a commit row, and in memory until it is spread. Its data
// is a part of the row's data and never changes.
type stored struct {
	data []byte
	time int64 // Unix milliseconds
	crc  uint32
}

// commitRow builds one row of commits.
type commitRow struct {
	time    int64
	records []byte // JSON
	data    []byte
	where   whereabouts
}

// newCommitRow makes room for appends of size bytes in all.
func newCommitRow(time int64, appends, size int) *commitRow {
	return &commitRow{time: time, records: append(make([]byte, 0, 64*appends), '['), data: make([]byte, 0, size)}
}

// add puts an append into the row and returns its records and summary as they lie
// there. The row must have room: data is never reallocated.
func (r *commitRow) add(a journal.Append, into []stored) (records []stored, summary []byte) {
	for i, data := range a.Records {
		p := a.After + journal.Position(i) + 1
		offset := len(r.data)
		r.data = append(r.data, data...)
		kept := r.data[offset:len(r.data):len(r.data)]
		crc := r.where.crc(a.DashboardID, p, r.time, kept)
		into = append(into, stored{data: kept, time: r.time, crc: crc})
		if len(r.records) > 1 {
			r.records = append(r.records, ',')
		}
		r.records = append(r.records, '[', '"')
		r.records = append(r.records, a.DashboardID...) // Validate lets nothing pass that JSON escapes
		r.records = append(r.records, '"', ',')
		r.records = strconv.AppendUint(r.records, uint64(p), 10)
		r.records = append(r.records, ',')
		r.records = strconv.AppendInt(r.records, int64(offset), 10)
		r.records = append(r.records, ',')
		r.records = strconv.AppendInt(r.records, int64(len(data)), 10)
		r.records = append(r.records, ',')
		r.records = strconv.AppendUint(r.records, uint64(crc), 10)
		if i == len(a.Records)-1 {
			offset := len(r.data)
			r.data = append(r.data, a.Summary...)
			summary = r.data[offset:len(r.data):len(r.data)]
			r.records = append(r.records, ',')
			r.records = strconv.AppendInt(r.records, int64(offset), 10)
			r.records = append(r.records, ',')
			r.records = strconv.AppendInt(r.records, int64(len(summary)), 10)
		}
		r.records = append(r.records, ']')
	}
	return into, summary
}

// index closes the row and returns its JSON and checksum.
func (r *commitRow) index() (records string, crc uint32) {
	r.records = append(r.records, ']')
	return string(r.records), crc32.Checksum(r.records, castagnoli)
}

// indexed is one record found in a row of commits.
type indexed struct {
	id       string
	position journal.Position
	record   stored
	last     bool // of its append: summary counts
	summary  []byte
}

// decodeCommit takes a row apart. The checksums of the records are left to the
// caller, who closes the dashboard of a bad one alone.
func decodeCommit(time int64, crc uint32, records string, data []byte) ([]indexed, error) {
	if got := crc32.Checksum([]byte(records), castagnoli); got != crc {
		return nil, fmt.Errorf("checksum of its record list is %08x, should be %08x", got, crc)
	}
	var rows [][]json.RawMessage
	if err := json.Unmarshal([]byte(records), &rows); err != nil {
		return nil, fmt.Errorf("read its record list: %w", err)
	}
	out := make([]indexed, 0, len(rows))
	for i, row := range rows {
		if len(row) != 5 && len(row) != 7 {
			return nil, fmt.Errorf("record %d of its list has %d fields", i, len(row))
		}
		var x indexed
		if err := json.Unmarshal(row[0], &x.id); err != nil {
			return nil, fmt.Errorf("record %d of its list: %w", i, err)
		}
		if err := journal.ValidateID(x.id); err != nil {
			return nil, fmt.Errorf("record %d of its list: %w", i, err)
		}
		var n [6]uint64
		for k, field := range row[1:] {
			v, err := strconv.ParseUint(string(field), 10, 63)
			if err != nil {
				return nil, fmt.Errorf("record %d of its list: %w", i, err)
			}
			n[k] = v
		}
		size := uint64(len(data))
		if n[0] == 0 || n[0] > maxPosition || n[1] > size || n[2] == 0 || n[2] > size-n[1] || n[3] > 1<<32-1 {
			return nil, fmt.Errorf("record %d of its list is out of range", i)
		}
		x.position = journal.Position(n[0])
		x.record = stored{data: data[n[1] : n[1]+n[2] : n[1]+n[2]], time: time, crc: uint32(n[3])}
		if len(row) == 7 {
			if n[4] > size || n[5] > size-n[4] || n[5] > journal.MaxSummary {
				return nil, fmt.Errorf("the summary at record %d of its list is out of range", i)
			}
			x.last, x.summary = true, data[n[4]:n[4]+n[5]:n[4]+n[5]]
		}
		out = append(out, x)
	}
	return out, nil
}
