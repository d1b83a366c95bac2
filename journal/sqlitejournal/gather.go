package sqlitejournal

import (
	"encoding/binary"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// What SQLite writes to its write-ahead log: a head, and frames behind it, each of them a head whose
// second number is 0 unless a transaction ends with the frame, and a page.
const (
	walHead      = 32
	walFrameHead = 24
)

// gatherBytes bounds what is written at once: SQLite's own VFS takes less than 128 KiB.
const gatherBytes = 120 << 10

// gathered are frames of the WAL on their way into it: SQLite writes each in two pieces, thousands of them
// one behind the other when a transaction commits, and then says in its index, which is what everybody goes by, that
// they are there. They are written in larger pieces, the last of them before SQLite hears that
// the last frame is written. So nothing is gathered when SQLite does anything else than writing the frames of one transaction, provided
// that it writes no page before the transaction commits (see openBeside).
type gathered struct {
	frames []byte
	at     int64 // where they go
	ends   bool  // the last of them ends a transaction
}

// end is where the next frame goes.
func (g *gathered) end() int64 { return g.at + int64(len(g.frames)) }

// take gathers a piece that SQLite writes and reports whether it did, and whether what is gathered is to be written
// now.
func (g *gathered) take(piece []byte, offset int64) (taken, due bool) {
	head := len(piece) == walFrameHead && offset >= walHead
	switch {
	case len(g.frames) > 0 && offset != g.end():
		return false, false
	case len(g.frames) == 0 && !head:
		return false, false
	case head:
		g.ends = binary.BigEndian.Uint32(piece[4:]) != 0
	}
	if len(g.frames) == 0 {
		g.at = offset
	}
	g.frames = append(g.frames, piece...)
	return true, !head && (g.ends || len(g.frames)+walFrameHead+len(piece) > gatherBytes)
}

// writeFrames writes to the WAL, or gathers what is to be written.
func (f *vfsFile) writeFrames(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	g := &f.gathered
	taken, due := g.take(unsafe.Slice(at[byte](data), n), offset)
	switch {
	case !taken && len(g.frames) > 0: // SQLite has left a transaction in the middle of its frames
		g.frames = g.frames[:0]
		return sqlite3.SQLITE_IOERR_WRITE
	case !taken:
		return f.write(tls, file, data, n, offset)
	case !due:
		return sqlite3.SQLITE_OK
	}
	rc := f.write(tls, file, uintptr(unsafe.Pointer(unsafe.SliceData(g.frames))), int32(len(g.frames)), g.at)
	g.frames = g.frames[:0]
	return rc
}
