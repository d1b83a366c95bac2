package wsconn

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/clock"
)

// pollEvents is how many events are fetched from the kernel at a time.
const pollEvents = 256

// poller tells sockets when bytes have come and when there is room for more, so that
// no goroutine waits for a connection on which nothing happens. Each socket is told
// of a change once (edge-triggered, epoll(7)); one goroutine fetches the changes of
// all. It waits for the poller's own descriptor by the runtime's, which takes no
// thread.
type poller struct {
	file  *os.File
	raw   syscall.RawConn
	stall time.Duration // of its sockets
	clock clock.Clock

	mu      sync.RWMutex
	sockets []*polledSocket // by descriptor
}

func newPoller(stall time.Duration, clock clock.Clock) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), file.Close())
	}
	return &poller{file: file, raw: raw, stall: stall, clock: clock}, nil
}

// add begins to tell a socket of changes, of what is there already at once.
func (p *poller) add(s *polledSocket) error {
	p.mu.Lock()
	if int(s.fd) >= len(p.sockets) {
		grown := make([]*polledSocket, max(int(s.fd)+1, 2*len(p.sockets)))
		copy(grown, p.sockets)
		p.sockets = grown
	}
	p.sockets[s.fd] = s
	p.mu.Unlock()
	const events = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff
	return p.control(unix.EPOLL_CTL_ADD, int(s.fd), &unix.EpollEvent{Events: events, Fd: s.fd})
}

// remove ends it; closing the descriptor has the kernel forget it. A change that was fetched
// before, or comes while a child process on its way to another program holds the connection
// open, may still be told: to the socket that has got the number, which then finds nothing.
func (p *poller) remove(s *polledSocket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets[s.fd] = nil
}

func (p *poller) control(op, fd int, event *unix.EpollEvent) (err error) {
	if e := p.raw.Control(func(self uintptr) { err = unix.EpollCtl(int(self), op, fd, event) }); e != nil {
		return e
	}
	return err
}

// run tells sockets of their changes until close.
func (p *poller) run() {
	var events [pollEvents]unix.EpollEvent
	var told [pollEvents]*polledSocket
	n := 0
	fetch := func(fd uintptr) bool {
		var err error
		n, err = unix.EpollWait(int(fd), events[:], 0)
		return n > 0 || (err != nil && err != unix.EINTR)
	}
	for p.raw.Read(fetch) == nil {
		p.mu.RLock()
		for i := range max(n, 0) {
			told[i] = p.sockets[events[i].Fd]
		}
		p.mu.RUnlock()
		for i := range max(n, 0) {
			if told[i] != nil {
				told[i].changed(events[i].Events)
				told[i] = nil
			}
		}
	}
}

func (p *poller) close() { _ = p.file.Close() }
