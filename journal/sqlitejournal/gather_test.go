package sqlitejournal

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// frameHeadOf is the head of a frame, of one that ends a transaction if pages is not 0.
func frameHeadOf(pages uint32) []byte {
	b := make([]byte, walFrameHead)
	binary.BigEndian.PutUint32(b, 7)
	binary.BigEndian.PutUint32(b[4:], pages)
	return b
}

func TestGathered(t *testing.T) {
	const page = 4096
	type piece struct {
		offset     int64
		bytes      []byte
		taken, due bool
	}
	full := []piece{}
	for at := int64(walHead); len(full) < 2*(gatherBytes/(page+walFrameHead)); at += walFrameHead + page {
		full = append(full, piece{at, frameHeadOf(0), true, false}, piece{at + walFrameHead, make([]byte, page), true, false})
	}
	full[len(full)-1].due = true
	for _, test := range []struct {
		name   string
		pieces []piece
	}{
		{"the head of the WAL is written at once", []piece{{0, make([]byte, walHead), false, false}}},
		{"a transaction of one frame", []piece{{walHead, frameHeadOf(9), true, false}, {walHead + walFrameHead, make([]byte, page), true, true}}},
		{"what ends is in the last head", []piece{
			{walHead, frameHeadOf(0), true, false},
			{walHead + walFrameHead, make([]byte, page), true, false},
			{walHead + walFrameHead + page, frameHeadOf(9), true, false},
			{walHead + 2*walFrameHead + page, make([]byte, page), true, true},
		}},
		{"no more than SQLite's VFS takes", full},
		{"a page of the size of a head", []piece{{walHead, make([]byte, page), false, false}}},
		{"another place", []piece{{walHead, frameHeadOf(0), true, false}, {walHead + 1, make([]byte, page), false, false}}},
		{"another frame", []piece{
			{walHead, frameHeadOf(0), true, false},
			{walHead + walFrameHead, make([]byte, page), true, false},
			{walHead, frameHeadOf(0), false, false},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g gathered
			var want []byte
			for i, p := range test.pieces {
				taken, due := g.take(p.bytes, p.offset)
				if taken != p.taken || due != p.due {
					t.Fatalf("piece %d at %d: taken %t and due %t, want %t and %t", i, p.offset, taken, due, p.taken, p.due)
				}
				if taken {
					want = append(want, p.bytes...)
				}
			}
			if len(want) > 0 && (g.at != test.pieces[0].offset || !slices.Equal(g.frames, want)) {
				t.Errorf("gathered are %d bytes for %d, want %d", len(g.frames), g.at, len(want))
			}
			if len(g.frames) > gatherBytes {
				t.Errorf("gathered are %d bytes", len(g.frames))
			}
		})
	}
}

// What a transaction changes is not written before it commits, however much it is: the frames that are gathered
// stand on that.
func TestTransactionsAreWrittenWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	c := besideTable(t, path)
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		_, before := fileSizes(path)
		run(t, c, "BEGIN IMMEDIATE")
		const much = "INSERT INTO t SELECT NULL, randomblob(10000) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 400) SELECT i FROM n)"
		run(t, c, much)
		if _, now := fileSizes(path); now != before {
			t.Errorf("the WAL has %d bytes before the %s, had %d", now, end, before)
		}
		run(t, c, end)
		if _, now := fileSizes(path); (now > before) != (end == "COMMIT") {
			t.Errorf("the WAL has %d bytes after the %s, had %d", now, end, before)
		}
	}
}

// Two connections write in turns, some of their transactions are taken back, some find the disk full or failing while
// they commit, and the WAL begins again now and then. After each, a reader and whoever finds the files
// after a crash see all that was committed, and nothing else (A2).
func TestA2_GatheredFramesLoseNothing(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			path := filepath.Join(t.TempDir(), "test.db")
			writers := []*conn{besideTable(t, path), besideTable(t, path)}
			reader, err := openConn(path, readOnly, false)
			if err != nil {
				t.Fatal(err)
			}
			defer reader.close()
			want := map[int64][]byte{}
			ends := map[string]int{}
			for range 60 {
				c := writers[random.IntN(len(writers))]
				run(t, c, "BEGIN IMMEDIATE")
				next := maps.Clone(want)
				for range 1 + random.IntN(1<<random.IntN(8)) {
					k, v := random.Int64N(40), bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1<<random.IntN(15)))
					next[k] = v
					if err := c.exec(t.Context(), "INSERT OR REPLACE INTO t VALUES (?, ?)", k, v); err != nil {
						t.Fatal(err)
					}
				}
				end := []string{"commit", "commit", "rollback", "full", "fails"}[random.IntN(5)]
				ends[end]++
				switch end {
				case "commit":
					run(t, c, "COMMIT")
					want = next
				case "rollback":
					run(t, c, "ROLLBACK")
				case "full":
					if commitWithin(t, c, path, random.IntN(3), sqlite3.SQLITE_FULL) {
						want = next
					}
				case "fails":
					if commitWithin(t, c, path, random.IntN(3), sqlite3.SQLITE_IOERR_WRITE) {
						want = next
					}
				}
				for _, f := range openFiles(path) {
					if n := len(f.gathered.frames); n > 0 {
						t.Fatalf("%d bytes are gathered after %s", n, end)
					}
				}
				if random.IntN(8) == 0 {
					if _, err := checkpoint(c, "PASSIVE"); err != nil {
						t.Fatal(err)
					}
				}
				wantRows(t, reader, want, end)
				to := filepath.Join(t.TempDir(), "crashed.db")
				if err := errors.Join(copyTo(path, to), copyTo(path+"-wal", to+"-wal")); err != nil {
					t.Fatal(err)
				}
				crashed, err := openConn(to, readWrite, false)
				if err != nil {
					t.Fatal(err)
				}
				wantRows(t, crashed, want, "a crash after "+end)
				if err := errors.Join(crashed.close(), os.Remove(to)); err != nil {
					t.Fatal(err)
				}
			}
			if len(ends) < 4 {
				t.Errorf("transactions ended so: %v", ends)
			}
		})
	}
}

// commitWithin commits while the VFS below takes no more than some writes to the WAL, and reports whether
// these were enough.
func commitWithin(t *testing.T, c *conn, path string, writes int, rc int32) bool {
	t.Helper()
	var was []*vfsFile
	for _, f := range openFiles(path + "-wal") {
		was = append(was, f)
		failing := *f.below
		failing.FxWrite = pointer(failingWrite)
		f.below = &failing
	}
	writesLeft, failingCode = writes, rc
	err := c.exec(t.Context(), "COMMIT")
	for _, f := range was {
		f.below = at[sqlite3.Tsqlite3_io_methods](f.methods)
	}
	if (err == nil) != (writesLeft >= 0) {
		t.Errorf("a commit with %d writes left: got %v", writesLeft, err)
	}
	if err != nil {
		_ = c.exec(t.Context(), "ROLLBACK") // SQLite may have done it by itself
	}
	return err == nil
}

// What failingWrite does, which can be no closure.
var (
	writesLeft  int
	failingCode int32
)

func failingWrite(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	if writesLeft--; writesLeft < 0 {
		return failingCode
	}
	below := at[sqlite3.Tsqlite3_io_methods](vfsFiles.get(file).methods)
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](below.FxWrite)(tls, file, data, n, offset)
}

func wantRows(t *testing.T, c *conn, want map[int64][]byte, after string) {
	t.Helper()
	rows := 0
	err := c.query(t.Context(), "SELECT k, v FROM t", func(v []driver.Value) error {
		rows++
		k, _ := v[0].(int64)
		got, _ := v[1].([]byte)
		if w, ok := want[k]; !ok || !bytes.Equal(got, w) {
			return fmt.Errorf("row %d has %d bytes, want %d", k, len(got), len(w))
		}
		return nil
	})
	if err != nil || rows != len(want) {
		t.Fatalf("after %s: %d rows of %d, %v", after, rows, len(want), err)
	}
}

// besideTable makes a file with a table t, and a connection to it such as writes beside the commits, with
// a cache of few pages.
func besideTable(t *testing.T, path string) *conn {
	t.Helper()
	c, err := openBeside(path, readWriteCreate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	for _, sql := range []string{
		"PRAGMA busy_timeout = 1", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 0", "PRAGMA cache_size = 10",
		"CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, v BLOB)",
	} {
		run(t, c, sql)
	}
	return c
}

func run(t *testing.T, c *conn, sql string) {
	t.Helper()
	if err := c.exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
