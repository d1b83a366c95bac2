package fsync

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// create makes a file of some zeros.
func create(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.Write(make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	return f
}

func syncer(t testing.TB, f *os.File) *Syncer {
	t.Helper()
	s, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestLayout(t *testing.T) {
	if n := unsafe.Sizeof(iocb{}); n != 64 {
		t.Errorf("an iocb has %d bytes, want 64", n)
	}
	if n := unsafe.Sizeof(ioEvent{}); n != 32 {
		t.Errorf("an io_event has %d bytes, want 32", n)
	}
	var r iocb
	for name, at := range map[string][2]uintptr{
		"aio_lio_opcode": {unsafe.Offsetof(r.opcode), 16},
		"aio_fildes":     {unsafe.Offsetof(r.file), 20},
		"aio_flags":      {unsafe.Offsetof(r.flags), 56},
		"aio_resfd":      {unsafe.Offsetof(r.eventfd), 60},
		"res":            {unsafe.Offsetof(ioEvent{}.result), 16},
	} {
		if at[0] != at[1] {
			t.Errorf("%s is at %d, want %d", name, at[0], at[1])
		}
	}
}

// Many goroutines sync at once, each with its own Syncer, and none misses that it is done.
func TestSync(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		f := create(t)
		s := syncer(t, f)
		all.Go(func() {
			for i := range int64(100) {
				if _, err := f.WriteAt([]byte{byte(i)}, i*100); err != nil {
					t.Error(err)
				}
				if err := s.Sync(f); err != nil || !s.submitted {
					t.Errorf("sync %d: %v, submitted: %t", i, err, s.submitted)
					return
				}
			}
		})
	}
	all.Wait()
}

// A file that cannot be synced is an error, and so is what the kernel says of a sync later.
func TestA1_AFailedSyncIsTold(t *testing.T) {
	none, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	if s, err := New(none); !errors.Is(err, ErrRefused) || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("tried on a file that cannot be synced: got %v, %v", s, err)
	}
	f := create(t)
	s := syncer(t, f)
	if err := s.Sync(none); errors.Is(err, ErrRefused) || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a file that cannot be synced: got %v", err)
	}
	if err := s.Sync(f); err != nil {
		t.Errorf("another file after that: got %v", err)
	}
}

// A Syncer that lost sight of a sync says nothing good of any other.
func TestA1_WhatIsNotKnownFails(t *testing.T) {
	f := create(t)
	s := syncer(t, f)
	if err := s.events.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Sync(f); err == nil {
			t.Error("a sync without its eventfd: got no error")
		}
	}
	s.events = nil
}

func TestSyncAllocatesNothing(t *testing.T) {
	f := create(t)
	s := syncer(t, f)
	if n := testing.AllocsPerRun(20, func() {
		if err := s.Sync(f); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a sync allocates %g times", n)
	}
}

func TestCloseGivesAllBack(t *testing.T) {
	f := create(t)
	held := func() (queues, files int) {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(maps, []byte("[aio]")), len(open)
	}
	if err := syncer(t, f).Close(); err != nil { // Go's poller is open from now on
		t.Fatal(err)
	}
	queues, files := held()
	for range 3 {
		s := syncer(t, f)
		if n, _ := held(); n != queues+1 {
			t.Errorf("%d queues while a syncer is open, %d before", n, queues)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if q, n := held(); q != queues || n != files {
			t.Errorf("%d queues and %d files afterwards, %d and %d before", q, n, queues, files)
		}
	}
}
