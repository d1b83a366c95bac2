//go:build unix

package bench

import (
	"math"

	"golang.org/x/sys/unix"
)

// descriptorLimit is how many files and sockets this process may have open.
func descriptorLimit() (int, bool) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return int(min(uint64(r.Cur), math.MaxInt32)), true
}
