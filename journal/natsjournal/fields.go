package natsjournal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

var errFields = errors.New("its fields are out of range")

// reader takes fields off the front of bytes whose checksum was right; after an
// error it gives zeros.
type reader struct {
	rest []byte
	err  error
}

// readFields begins with what a format byte opens and a checksum closes. owner is
// covered by the checksum. Errors wrap journal.ErrCorrupt.
func readFields(what, owner string, data []byte) (*reader, error) {
	bad := func(format string, args ...any) (*reader, error) {
		return nil, fmt.Errorf("%w: %s: %s", journal.ErrCorrupt, what, fmt.Sprintf(format, args...))
	}
	if len(data) < 5 {
		return bad("it has %d bytes", len(data))
	}
	if data[0] != formatVersion {
		return bad("it has format %d; this build knows format %d", data[0], formatVersion)
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if got := checksum(owner, body); got != sum {
		return bad("its checksum is %08x, should be %08x", got, sum)
	}
	return &reader{rest: body[1:]}, nil
}

// close tells what was wrong, bytes left over too.
func (r *reader) close(what string) error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = errFields
	}
	if r.err != nil {
		return fmt.Errorf("%w: %s: %w", journal.ErrCorrupt, what, r.err)
	}
	return nil
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return take(r, v, n)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return take(r, v, n)
}

func take[T any](r *reader, v T, n int) T {
	if n <= 0 {
		r.err, r.rest = errFields, nil
		var zero T
		return zero
	}
	r.rest = r.rest[n:]
	return v
}

// count reads how many things of at least size bytes follow.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.err, r.rest = errFields, nil
		return 0
	}
	return int(n)
}

// bytes reads a length and as many bytes, which are a part of the whole.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.err, r.rest = errFields, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
