//go:build faults && linux

package sqlitejournal

// These tests need root, strace, losetup, mkfs.ext4 and mount, and take a minute:
//
//	go test -tags faults -run Fault -v ./journal/sqlitejournal

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// A2: a failing fsync of the tables, or of a new segment, loses nothing and doubles nothing,
// whichever it is. Asynchronous syncs are not allowed, so these are plain ones.
func TestA2_FaultFsyncFails(t *testing.T) {
	need(t, "strace")
	for _, when := range []string{"22+23", "24+17", "27+31"} {
		t.Run(when, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			c := startFailing(t, path, 3000, "opened again and recovered", "io_setup:error=EPERM", "fsync,fdatasync:error=EIO:when="+when)
			c.finish(t, path, 3000)
			n := strings.Count(c.stderr.String(), "opened again and recovered")
			t.Logf("the file was opened again %d times", n)
			if n == 0 {
				t.Error("no fsync failed")
			}
		})
	}
}

// A2: a failing sync of the commit log leaves open what became of it: the kernel says so of the
// sync, or nothing can be learned of it.
func TestA2_FaultAsynchronousSyncFails(t *testing.T) {
	need(t, "strace")
	result := make([]byte, 32) // struct io_event: EIO
	binary.NativeEndian.PutUint64(result[16:], ^uint64(0)-uint64(syscall.EIO)+1)
	for name, inject := range map[string]string{
		"the sync": "retval=1:poke_exit=@arg4=" + hex.EncodeToString(result), "asking for it": "error=EIO",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			c := startFailing(t, path, 300, journal.ErrUnknown.Error(), "io_getevents:"+inject+":when=20+21")
			c.finish(t, path, 300)
			said := c.stderr.String()
			again, doubt := strings.Count(said, "opened again and recovered"), strings.Count(said, journal.ErrUnknown.Error())
			t.Logf("the log was opened again %d times, %d appends were in doubt", again, doubt)
			if again == 0 || doubt == 0 {
				t.Error("no sync failed")
			}
		})
	}
}

// A2: writes that fail with ENOSPC and EIO at the system call.
func TestA2_FaultWriteFails(t *testing.T) {
	need(t, "strace")
	for _, inject := range []string{"ENOSPC:when=30+31", "EIO:when=35+41", "EIO:when=40+17"} {
		t.Run(inject, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			c := startFailing(t, path, 60, "again: ", "pwrite64:error="+inject)
			c.finish(t, path, 60)
			if !strings.Contains(c.stderr.String(), "again: ") {
				t.Error("no append met the failure")
			}
		})
	}
}

// A2: kill -9 while appending, at any moment and at a sync.
func TestA2_FaultKill(t *testing.T) {
	need(t, "strace")
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "test.db")
	records := 0
	for range 30 {
		c := startChild(t, path, 0)
		c.waitAcks(t, 1+random.IntN(300))
		c.kill()
		records = c.verify(t, path, c.all())
	}
	t.Logf("30 kills at any moment, %d records, none lost", records)
	for n := range 10 {
		c := startChild(t, path, 0, "strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,io_submit", "-o", "/dev/null",
			"-e", fmt.Sprint("inject=fsync,fdatasync,io_submit:signal=SIGKILL:when=", 8+3*n))
		_ = c.end() // killed
		records = c.verify(t, path, c.all())
	}
	t.Logf("10 kills at a sync, %d records, none lost", records)
}
