package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"

	"github.com/dashwire/dashwire/journal"
)

// A row of chunks holds some records of one log that follow each other. Its key is that of its
// last record, so that the end of a log is its last row and what follows a position is found
// by one step. records is JSON, so that the view log can take it apart: for each record
// [time, offset, length] of its bytes in data.
//
// A chunk is full at so many records or bytes; one that is far from full is written again
// with what is spread next, so that a log of single edits is neither many rows nor written over and
// over.
const (
	chunkRecords = 256
	chunkBytes   = 16 << 10
	refillBytes  = 4 << 10
	refillCount  = 64
)

// chunk is a row of chunks.
type chunk struct {
	last    journal.Position
	records []byte // JSON
	data    []byte
	count   int
}

// add puts a record behind the others. It must be the next.
func (c *chunk) add(r stored) {
	if c.count == 0 {
		c.records = append(c.records, '[')
	} else {
		c.records[len(c.records)-1] = ','
	}
	c.records = append(c.records, '[')
	c.records = strconv.AppendInt(c.records, r.time, 10)
	c.records = append(c.records, ',')
	c.records = strconv.AppendInt(c.records, int64(len(c.data)), 10)
	c.records = append(c.records, ',')
	c.records = strconv.AppendInt(c.records, int64(len(r.data)), 10)
	c.records = append(c.records, ']', ']')
	c.data = append(c.data, r.data...)
	c.count++
	c.last++
}

func (c *chunk) full() bool { return c.count >= chunkRecords || len(c.data) >= chunkBytes }

// reset makes the chunk one without records that begins after a position.
func (c *chunk) reset(after journal.Position) {
	c.records, c.data, c.count, c.last = c.records[:0], c.data[:0], 0, after
}

// crc covers the row and where it belongs.
func (c *chunk) crc(id string) uint32 {
	var w whereabouts
	return w.crc(id, c.last, int64(w.crc(id, c.last, 0, c.records)), c.data)
}

// The list of records is handed over as bytes, which nobody has to copy into a string before.
const insertChunk = "INSERT INTO chunks (key, crc, records, data) VALUES (?, ?, CAST(? AS TEXT), ?)"

// insert stores the chunk within the open transaction.
func (c *chunk) insert(ctx context.Context, to *conn, id string, key int64) error {
	return to.exec(ctx, insertChunk, entryKey(key, c.last), int64(c.crc(id)), c.records, c.data)
}

var errRecords = errors.New("its list of records cannot be read")

// part is a record in a chunk.
type part struct {
	time   int64
	offset int
	length int
}

// parseRecords reads the list of a chunk into a slice.
func parseRecords(list string, size int, into []part) ([]part, error) {
	if len(list) < 2 || list[0] != '[' || list[len(list)-1] != ']' {
		return nil, errRecords
	}
	rest := list[1 : len(list)-1]
	number := func(end byte) (n int64, err error) {
		i := 0
		for i < len(rest) && rest[i] != end {
			i++
		}
		if i == len(rest) {
			return 0, errRecords
		}
		n, err = strconv.ParseInt(rest[:i], 10, 64)
		rest = rest[i+1:]
		return n, err
	}
	offset := 0
	for rest != "" {
		if rest[0] != '[' {
			return nil, errRecords
		}
		rest = rest[1:]
		at, e1 := number(',')
		from, e2 := number(',')
		length, e3 := number(']')
		if errors.Join(e1, e2, e3) != nil || from != int64(offset) || length < 0 || length > int64(size-offset) {
			return nil, errRecords
		}
		into = append(into, part{at, offset, int(length)})
		offset += int(length)
		if rest != "" {
			if rest[0] != ',' || len(rest) == 1 {
				return nil, errRecords
			}
			rest = rest[1:]
		}
	}
	if offset != size || len(into) == 0 {
		return nil, errRecords
	}
	return into, nil
}

// readChunk checks a row of chunks and takes its list apart.
func readChunk(id string, key int64, v []driver.Value, into []part) (last journal.Position, parts []part, data []byte, err error) {
	at, _ := v[0].(int64)
	crc, _ := v[1].(int64)
	records, _ := v[2].(string)
	data, _ = v[3].([]byte)
	c := chunk{last: journal.Position(at - entryKey(key, 0)), records: []byte(records), data: data}
	if got := c.crc(id); int64(got) != crc {
		return c.last, nil, nil, fmt.Errorf("%w: the records up to %d have checksum %08x, should be %08x", journal.ErrCorrupt, c.last, got, crc)
	}
	if parts, err = parseRecords(records, len(data), into); err == nil && journal.Position(len(parts)) > c.last {
		err = errRecords
	}
	if err != nil {
		return c.last, nil, nil, fmt.Errorf("%w: the records up to %d: %w", journal.ErrCorrupt, c.last, err)
	}
	return c.last, parts, data, nil
}
