package main

import (
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"

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
	ConnectionsPerAddress int  `hidden:"" default:"2000" help:"connections of one address at once, at least 1, also those that are no sessions"`
	MemoryLimit           size `hidden:"" help:"memory that the process may use (default GOMEMLIMIT, else what the control group allows, less a tenth and at least 64 MiB)"`
	IncomingBytes         size `hidden:"" help:"held of messages that are not taken in yet, of all sessions (default an eighth of --memory-limit, else 256 MiB)"`
	HeldBytes             size `hidden:"" default:"64MiB" help:"held for sockets that take no bytes, of all sessions"`
	CountLocal            bool `hidden:"" help:"hold this machine and the proxies themselves to the limits per address too"`
}

// put puts the limits into what package dashwire gets.
func (f *limitFlags) put(cfg *dashwire.Config) {
	cfg.Limits.Paths = f.MaxPaths
	cfg.SessionsPerAddress, cfg.ConnectsPerAddress, cfg.RequestsPerAddress = f.SessionsPerAddress, f.ConnectsPerAddress, f.RequestsPerAddress
	cfg.UnsignedSessions, cfg.UnsignedPerAddress, cfg.CountLocal = f.UnsignedSessions, f.UnsignedPerAddress, f.CountLocal
	cfg.IncomingBytes, cfg.HeldBytes = int64(f.IncomingBytes), int64(f.HeldBytes)
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

// withoutOutside is what the runtime may use of the memory that the process may: nine tenths,
// and beside it there must be room for what the runtime does not count, which are SQLite's
// caches, the kernel's buffers of sockets and the program itself.
func withoutOutside(all int64) int64 {
	const outside = 64 << 20
	return max(min(all/10*9, all-outside), all/2)
}

// setMemoryLimit has the runtime keep within --memory-limit, or within its part of what the
// process's control group allows if neither that nor GOMEMLIMIT is there. Package dashwire refuses new sessions
// before it is reached.
func (f *limitFlags) setMemoryLimit(log *slog.Logger) {
	limit := int64(f.MemoryLimit)
	if limit == 0 {
		limit = withoutOutside(groupMemory(os.ReadFile))
		if limit == 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
			return
		}
	}
	debug.SetMemoryLimit(limit)
	log.Debug("memory", "limit", limit)
}

// cacheBytes is how much of a limit on memory the data file's cache gets: a sixteenth, up to
// what it has without one.
func cacheBytes(limit int64) int { return int(min(limit/16, 16<<20)) }
