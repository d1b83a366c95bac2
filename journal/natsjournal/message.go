package natsjournal

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// formatVersion is the first byte of every message of a log.
const formatVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// message is one append as it is stored.
type message struct {
	first   journal.Position // of its first record
	time    int64            // Unix milliseconds
	links   []link           // to earlier messages of the log, see linksAfter; none in its first
	summary []byte
	records [][]byte
}

// link points to an earlier message of the same log.
type link struct {
	first journal.Position
	seq   uint64
}

// last is the position of the last record.
func (m *message) last() journal.Position { return m.first + journal.Position(len(m.records)) - 1 }

// linkBase is how many times farther back each link reaches than the one before.
const linkBase = 8

// height is how many of the links of later messages a message of these positions
// keeps its place in: one more for every power of linkBase that has a multiple
// among them. So links[k] reaches back about linkBase^k positions.
func height(first, last journal.Position) int {
	h := 1
	for step := journal.Position(linkBase); last/step != (first-1)/step; step *= linkBase {
		h++
		if step > 1<<60 {
			break
		}
	}
	return h
}

// linksAfter gives the links of the message that follows one stored at seq.
func linksAfter(m *message, seq uint64) []link {
	h := height(m.first, m.last())
	links := make([]link, max(h, len(m.links)))
	copy(links, m.links)
	for k := range h {
		links[k] = link{m.first, seq}
	}
	return links
}

// appendMessage encodes a message. Its checksum covers the dashboard's id too, so
// that a message in a wrong place is noticed.
func appendMessage(dst []byte, id string, m *message) []byte {
	start := len(dst)
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, uint64(m.first))
	dst = binary.AppendVarint(dst, m.time)
	dst = binary.AppendUvarint(dst, uint64(len(m.links)))
	for _, l := range m.links {
		dst = binary.AppendUvarint(dst, uint64(l.first))
		dst = binary.AppendUvarint(dst, l.seq)
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.summary)))
	dst = append(dst, m.summary...)
	dst = binary.AppendUvarint(dst, uint64(len(m.records)))
	for _, r := range m.records {
		dst = binary.AppendUvarint(dst, uint64(len(r)))
		dst = append(dst, r...)
	}
	return binary.BigEndian.AppendUint32(dst, checksum(id, dst[start:]))
}

func checksum(id string, body []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(id), castagnoli), castagnoli, body)
}

// decodeMessage takes a message apart; its slices are parts of data. Errors wrap
// journal.ErrCorrupt.
func decodeMessage(id string, data []byte) (*message, error) {
	what := "a message of " + id
	r, err := readFields(what, id, data)
	if err != nil {
		return nil, err
	}
	m := &message{first: journal.Position(r.uvarint()), time: r.varint()}
	m.links = make([]link, r.count(2))
	below := m.first
	for i := range m.links {
		l := link{journal.Position(r.uvarint()), r.uvarint()}
		if l.first == 0 || l.seq == 0 || l.first >= m.first || l.first > below {
			r.err = errFields
		}
		m.links[i], below = l, l.first
	}
	m.summary = r.bytes()
	m.records = make([][]byte, r.count(2))
	for i := range m.records {
		m.records[i] = r.bytes()
	}
	if m.first == 0 || len(m.records) == 0 {
		r.err = errFields
	}
	return m, r.close(what)
}

// record gives one record as the journal hands it out; its data is the message's.
func (m *message) record(i int) journal.Record {
	data := m.records[i]
	return journal.Record{
		Position: m.first + journal.Position(i), Time: time.UnixMilli(m.time), Data: data[:len(data):len(data)],
	}
}
