package giveway

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const supported = true

// bell is an eventfd that is rung to be woken by it: the poller tells all else that has happened with it.
type bell struct {
	conn syscall.RawConn

	mu   sync.Mutex
	rung bool
	turn func(uintptr) bool // b.ring
}

// theBell is there as long as the process; nil if the system has none for it.
var theBell = sync.OnceValue(func() *bell {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil
	}
	b := &bell{}
	if b.conn, err = os.NewFile(uintptr(fd), "eventfd").SyscallConn(); err != nil {
		return nil // and the file is closed once it is collected
	}
	b.turn = b.ring
	return b
})

// ToPoller returns once what the runtime's poller has news of had its turn, and all else that
// could run. It allocates nothing.
func ToPoller() {
	b := theBell()
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung = false
	_ = b.conn.Read(b.turn) // which fails if the file is closed, and nobody closes it
	runtime.Gosched()       // the bell may be the first of what the poller has told
}

// ring is called before waiting, and again when the bell has been heard. Ringing is heard though
// nobody has read what was written before: the poller is told of each change.
func (b *bell) ring(fd uintptr) bool {
	if b.rung {
		return true
	}
	b.rung = true
	one := [1]uint64{1}
	_, _, e := unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	return e != 0
}
