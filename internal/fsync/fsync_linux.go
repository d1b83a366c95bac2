package fsync

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Syncer is one place in the kernel's queue of asynchronous I/O. One goroutine uses it at a time.
type Syncer struct {
	context uintptr  // of io_setup(2)
	events  *os.File // an eventfd, which Go's poller watches
	conn    syscall.RawConn
	fd      uint32             // of events
	turn    func(uintptr) bool // s.step

	// of the sync under way; at fixed addresses, as the kernel is told them
	request   iocb
	requests  [1]*iocb
	completed [1]ioEvent
	submitted bool
	err       error

	failed error // what became of a sync is not known
}

// iocb is struct iocb of linux/aio_abi.h, 64 bytes on all architectures.
type iocb struct {
	_       uint64    // aio_data
	_       [2]uint32 // aio_key, which the kernel sets to 0, and aio_rw_flags, in an order that byte order decides
	opcode  uint16
	_       int16 // aio_reqprio
	file    uint32
	_       uint64 // aio_buf
	_       uint64 // aio_nbytes
	_       int64  // aio_offset
	_       uint64 // aio_reserved2
	flags   uint32
	eventfd uint32
}

// ioEvent is struct io_event of linux/aio_abi.h.
type ioEvent struct {
	_      uint64 // data, of the iocb
	_      uint64 // obj
	result int64  // 0, or an error number below it
	_      int64  // res2
}

// Of linux/aio_abi.h.
const (
	opFdatasync = 3 // IOCB_CMD_FDSYNC, which files have since Linux 4.18
	flagEventfd = 1 // IOCB_FLAG_RESFD: the eventfd counts what is complete
)

// New makes a Syncer and syncs f, to try it. Its error wraps ErrRefused if that does not work here: system
// calls that are not there or not allowed, fs.aio-max-nr, a file system that cannot sync this way, an
// old kernel. Any other means as much as one of Sync.
func New(f File) (*Syncer, error) {
	s := &Syncer{}
	s.turn = s.step
	s.requests[0] = &s.request
	if _, _, e := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&s.context)), 0); e != 0 {
		return nil, refused("io_setup", e)
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(refused("eventfd", err), s.Close())
	}
	s.fd, s.events = uint32(fd), os.NewFile(uintptr(fd), "eventfd")
	if s.conn, err = s.events.SyscallConn(); err != nil {
		return nil, errors.Join(refused("eventfd", err), s.Close())
	}
	if err = s.queue(f); err == nil {
		err = s.err
	}
	switch {
	case err == nil:
		return s, nil
	case !s.submitted:
		err = refused("io_submit", err)
	}
	return nil, errors.Join(err, s.Close())
}

func refused(call string, err error) error { return fmt.Errorf("%w: %s: %w", ErrRefused, call, err) }

// Sync returns when all that was written to f before is on the disk, as fdatasync(2) does. If it
// fails, that is not known of what was written since the last one that succeeded.
func (s *Syncer) Sync(f File) error {
	if s.failed != nil {
		return s.failed
	}
	if err := s.queue(f); err != nil {
		return err
	}
	if s.err != nil && !s.submitted { // no place in the queue: without it, then
		return f.Sync()
	}
	return s.err
}

// queue has the kernel sync f, and waits. Its error is about that; s.err is what became of the sync.
func (s *Syncer) queue(f File) error {
	s.request = iocb{opcode: opFdatasync, file: uint32(f.Fd()), flags: flagEventfd, eventfd: s.fd}
	s.submitted, s.err = false, nil
	err := s.conn.Read(s.turn)
	runtime.KeepAlive(f)
	if err != nil {
		s.failed = fmt.Errorf("wait for the sync of %s: %w", f.Name(), err)
		return s.failed
	}
	if s.err != nil {
		s.err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: s.err}
	}
	return nil
}

// step is called before waiting, then each time that the poller has news, until it returns true. The poller forgets
// older news before the first call: submitting in it, no completion is missed. The eventfd is never
// read, as each completion is news to a poller that is edge-triggered (epoll(7)), as Go's is.
func (s *Syncer) step(uintptr) bool {
	if !s.submitted {
		_, _, e := unix.Syscall(unix.SYS_IO_SUBMIT, s.context, 1, uintptr(unsafe.Pointer(&s.requests)))
		if e != 0 {
			s.err = e
			return true
		}
		s.submitted = true
		return false
	}
	var now unix.Timespec // asked, not waited for
	n, _, e := unix.Syscall6(unix.SYS_IO_GETEVENTS, s.context, 0, 1, uintptr(unsafe.Pointer(&s.completed)), uintptr(unsafe.Pointer(&now)), 0)
	switch {
	case e == unix.EINTR:
		return s.step(0)
	case e != 0:
		s.failed = os.NewSyscallError("io_getevents", e)
		s.err = s.failed
		return true
	case n == 0:
		return false
	}
	if result := s.completed[0].result; result < 0 {
		s.err = syscall.Errno(-result)
	}
	return true
}

// Close gives the place in the queue back.
func (s *Syncer) Close() error {
	var errs []error
	if s.context != 0 {
		if _, _, e := unix.Syscall(unix.SYS_IO_DESTROY, s.context, 0, 0); e != 0 { // waits for what is under way
			errs = append(errs, os.NewSyscallError("io_destroy", e))
		}
		s.context = 0
	}
	if s.events != nil {
		errs = append(errs, s.events.Close())
		s.events = nil
	}
	return errors.Join(errs...)
}
