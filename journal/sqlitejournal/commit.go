package sqlitejournal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recordCRC covers bytes and where they belong, so that what stands in a wrong place is
// noticed too.
func recordCRC(id string, p journal.Position, time int64, data []byte) uint32 {
	return new(whereabouts).crc(id, p, time, data)
}

// whereabouts is where bytes belong, as their checksum covers it.
type whereabouts [16 + 128]byte

func (w *whereabouts) crc(id string, p journal.Position, time int64, data []byte) uint32 {
	binary.BigEndian.PutUint64(w[:], uint64(p))
	binary.BigEndian.PutUint64(w[8:], uint64(time))
	n := 16 + copy(w[16:], id)
	return crc32.Update(crc32.Update(0, castagnoli, w[:n]), castagnoli, data)
}

// stored is a record of a commit, in memory until it is spread. Its data is a part of
// the commit's and never changes.
type stored struct {
	data []byte
	time int64 // Unix milliseconds
}

// A commit in the commit log holds the appends of one group: their bytes behind each other,
// then a list of what stands where, then an end of 17 bytes, numbers little-endian:
//
//	time in ms (8) · bytes of the list (4) · its CRC-32C (4) · 1, the version of all this (1)
//
// The list has for each append, numbers as varints: length of the id, id, position of the
// first record, number of records, the length of each, length of the summary, and 4 bytes of
// recordCRC over its records and summary. The checksum of a frame finds damage; these tell whose
// it is (R7).
const (
	commitVersion = 1
	commitEnd     = 17
)

// commit builds one after another.
type commit struct {
	time  int64
	frame []byte // begun by commitlog.Frame
	list  []byte
	where whereabouts
}

// begin makes room for appends of size bytes in all, with so many records, whose ids have
// so many bytes. What add returned of the commit before stays as it is.
func (c *commit) begin(time int64, appends, records, ids, size int) {
	list := ids + appends*(binary.MaxVarintLen16+binary.MaxVarintLen64+2*binary.MaxVarintLen32+4) + records*binary.MaxVarintLen32
	c.time, c.frame, c.list = time, commitlog.Frame(size+list+commitEnd), c.list[:0]
}

// add puts an append into the commit and returns its records and summary as they lie
// there.
func (c *commit) add(a journal.Append, into []stored) (records []stored, summary []byte) {
	c.list = binary.AppendUvarint(c.list, uint64(len(a.DashboardID)))
	c.list = append(c.list, a.DashboardID...)
	c.list = binary.AppendUvarint(c.list, uint64(a.After)+1)
	c.list = binary.AppendUvarint(c.list, uint64(len(a.Records)))
	begin := len(c.frame)
	keep := func(data []byte) []byte {
		at := len(c.frame)
		c.frame = append(c.frame, data...)
		c.list = binary.AppendUvarint(c.list, uint64(len(data)))
		return c.frame[at:len(c.frame):len(c.frame)]
	}
	for _, data := range a.Records {
		into = append(into, stored{data: keep(data), time: c.time})
	}
	summary = keep(a.Summary)
	c.list = binary.LittleEndian.AppendUint32(c.list, c.where.crc(a.DashboardID, a.After+1, c.time, c.frame[begin:]))
	return into, summary
}

// finish returns the frame for the commit log.
func (c *commit) finish() []byte {
	b := append(c.frame, c.list...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.time))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(c.list)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(c.list, castagnoli))
	return append(b, commitVersion)
}

// committed is one append found in a commit.
type committed struct {
	id      string
	first   journal.Position
	time    int64
	records [][]byte
	summary []byte
	whole   bool // its checksum is right; looked at only if asked for
}

var errCommit = errors.New("its list of records cannot be read")

// decodeCommit takes a commit apart. The checksum of each append is looked at if verify is
// set, and left to the caller, who closes the dashboard of a bad one alone.
func decodeCommit(payload []byte, verify bool) (appends []committed, err error) {
	if len(payload) < commitEnd || payload[len(payload)-1] != commitVersion {
		return nil, errCommit
	}
	end := payload[len(payload)-commitEnd:]
	at := int64(binary.LittleEndian.Uint64(end))
	n := uint64(binary.LittleEndian.Uint32(end[8:]))
	if n > uint64(len(payload)-commitEnd) {
		return nil, errCommit
	}
	list := payload[len(payload)-commitEnd-int(n) : len(payload)-commitEnd]
	data := payload[: len(payload)-commitEnd-int(n) : len(payload)-commitEnd-int(n)]
	if got := crc32.Checksum(list, castagnoli); got != binary.LittleEndian.Uint32(end[12:]) {
		return nil, fmt.Errorf("the checksum of its list of records is %08x", got)
	}
	number := func() uint64 {
		v, n := binary.Uvarint(list)
		if n <= 0 {
			err = errCommit
			return 0
		}
		list = list[n:]
		return v
	}
	bytes := func(from *[]byte) []byte {
		n := number()
		if n > uint64(len(*from)) {
			err = errCommit
			return nil
		}
		b := (*from)[:n:n]
		*from = (*from)[n:]
		return b
	}
	for len(list) > 0 {
		a := committed{time: at, id: string(bytes(&list)), first: journal.Position(number())}
		count := number()
		switch {
		case err != nil:
			return nil, err
		case journal.ValidateID(a.id) != nil, a.first == 0, count == 0, count > uint64(len(list)), uint64(a.first) > maxPosition-count+1:
			return nil, errCommit
		}
		from := data
		for range count {
			a.records = append(a.records, bytes(&data))
		}
		a.summary = bytes(&data)
		if err != nil || len(list) < 4 {
			return nil, errCommit
		}
		crc := binary.LittleEndian.Uint32(list)
		list = list[4:]
		a.whole = !verify || recordCRC(a.id, a.first, at, from[:len(from)-len(data)]) == crc
		appends = append(appends, a)
	}
	return appends, nil
}
