package main

import (
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/observe"
)

// limitFlags are the limits that few have to change: not in the help, which is a screen
// at most. docs/operations.md lists every limit.
type limitFlags struct {
	MaxPaths              int  `hidden:"" default:"10000" help:"paths that an operation names, or a whole batch"`
	SessionsPerAddress    int  `hidden:"" default:"1000" help:"sessions of one client address at once"`
	ConnectsPerAddress    int  `hidden:"" default:"200" help:"new sessions a second from one client address"`
	RequestsPerAddress    int  `hidden:"" default:"2000" help:"requests a second from one client address"`
	UnsignedSessions      int  `hidden:"" default:"2000" help:"sessions at once that have not signed in yet"`
	UnsignedPerAddress    int  `hidden:"" default:"200" help:"the same of one client address"`
	ConnectionsPerAddress int  `hidden:"" default:"2000" help:"connections of one address at once, also those that are no sessions"`
	MemoryLimit           size `hidden:"" help:"memory that the process may use (default GOMEMLIMIT, else nine tenths of the container's)"`
	CountLocal            bool `hidden:"" help:"hold this machine and the proxies themselves to the limits per address too"`
}

// put puts the limits into what package dashwire gets.
func (f *limitFlags) put(cfg *dashwire.Config) {
	cfg.Limits.Paths = f.MaxPaths
	cfg.SessionsPerAddress, cfg.ConnectsPerAddress, cfg.RequestsPerAddress = f.SessionsPerAddress, f.ConnectsPerAddress, f.RequestsPerAddress
	cfg.UnsignedSessions, cfg.UnsignedPerAddress, cfg.CountLocal = f.UnsignedSessions, f.UnsignedPerAddress, f.CountLocal
}

// guard puts a guard before a listener.
func (f *limitFlags) guard(ln net.Listener, most int, proxies []netip.Prefix, hooks observe.Hooks) net.Listener {
	return &guard{
		Listener: ln, most: most, perAddress: f.ConnectionsPerAddress,
		counts: func(a netip.Addr) ratelimit.Address {
			a = a.Unmap()
			local := a.IsLoopback() || slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
			if local && !f.CountLocal {
				return 0
			}
			return ratelimit.AddressOf(a)
		},
		hit: hooks.Limit, addresses: make(map[ratelimit.Address]int),
	}
}

// setMemoryLimit has the runtime keep within --memory-limit, or within what the container
// allows if neither that nor GOMEMLIMIT is there. Package dashwire refuses new sessions
// before it is reached.
func (f *limitFlags) setMemoryLimit(log *slog.Logger) {
	limit := int64(f.MemoryLimit)
	if limit == 0 {
		limit = containerMemory(os.ReadFile) / 10 * 9
		if limit == 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
			return
		}
	}
	debug.SetMemoryLimit(limit)
	log.Debug("memory", "limit", limit)
}

// containerMemory is how much memory the control group of the process may use, in bytes;
// 0 = as much as there is.
func containerMemory(read func(string) ([]byte, error)) int64 {
	for _, path := range [...]string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := read(path)
		if err != nil {
			continue
		}
		// Version 2 writes max for no limit, version 1 a number beyond any machine.
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && n < 1<<50 {
			return n
		}
		return 0
	}
	return 0
}
