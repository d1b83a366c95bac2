package main

import "github.com/dashwire/dashwire"

// limitFlags are the limits that few have to change: not in the help, which is a screen
// at most. docs/operations.md lists every limit.
type limitFlags struct {
	MaxPaths           int  `hidden:"" default:"10000" help:"paths that an operation names, or a whole batch"`
	SessionsPerAddress int  `hidden:"" default:"1000" help:"sessions of one client address at once"`
	ConnectsPerAddress int  `hidden:"" default:"200" help:"new sessions a second from one client address"`
	RequestsPerAddress int  `hidden:"" default:"2000" help:"requests a second from one client address"`
	UnsignedSessions   int  `hidden:"" default:"2000" help:"sessions at once that have not signed in yet"`
	UnsignedPerAddress int  `hidden:"" default:"200" help:"the same of one client address"`
	CountLocal         bool `hidden:"" help:"hold this machine and the proxies themselves to the limits per address too"`
}

// put puts the limits into what package dashwire gets.
func (f *limitFlags) put(cfg *dashwire.Config) {
	cfg.Limits.Paths = f.MaxPaths
	cfg.SessionsPerAddress, cfg.ConnectsPerAddress, cfg.RequestsPerAddress = f.SessionsPerAddress, f.ConnectsPerAddress, f.RequestsPerAddress
	cfg.UnsignedSessions, cfg.UnsignedPerAddress, cfg.CountLocal = f.UnsignedSessions, f.UnsignedPerAddress, f.CountLocal
}
