package time

import (
	"syscall"
	"unsafe"
)

// movedBy is the page of the file that tells by how many seconds the wall clock of
// this process is off; nil = there is none. Others write the file meanwhile.
var movedBy *int64

func init() {
	path, ok := syscall.Getenv("CHAOS_CLOCK")
	if !ok {
		return
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		panic("time: CHAOS_CLOCK=" + path + ": " + err.Error())
	}
	page, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("time: CHAOS_CLOCK=" + path + ": " + err.Error())
	}
	movedBy = (*int64)(unsafe.Pointer(&page[0]))
}

// moved is how far the wall clock is off, in seconds. The monotonic clock never is.
func moved() int64 {
	if movedBy == nil {
		return 0
	}
	return *movedBy
}
