package main

import (
	"cmp"
	"math"
	"time"
)

// sane refuses numbers with which the server could not work as anybody means it to.
func (c *serveCmd) sane() error {
	for _, s := range []struct {
		flag        string
		value       size
		least, most size
		says        string // of the least
	}{
		{"bytes-per-second", c.BytesPerSecond, 1 << 10, math.MaxInt32, "1KiB"},
		{"max-message", c.MaxMessage, 4 << 10, math.MaxInt32, "4KiB"},
		{"max-document", c.MaxDocument, 4 << 10, math.MaxInt32, "4KiB"},
		{"held-bytes", c.HeldBytes, 1 << 20, maxSize, "1MiB"},
		{"memory-limit", cmp.Or(c.MemoryLimit, maxSize), 32 << 20, maxSize, "32MiB"},
		{"incoming-bytes", cmp.Or(c.IncomingBytes, maxSize), 2 * c.MaxMessage, maxSize, "twice --max-message"},
	} {
		switch {
		case s.value < s.least:
			return refuse("--%s %s is too little to work with: it must be at least %s", s.flag, bytesText(int64(s.value)), s.says)
		case s.value > s.most:
			return refuse("--%s %s is too much: it must be below 2GiB", s.flag, bytesText(int64(s.value)))
		}
	}
	for _, s := range []struct {
		flag  string
		value int
	}{
		{"sessions-per-user", c.SessionsPerUser},
		{"messages-per-second", c.MessagesPerSecond},
		{"message-burst", c.MessageBurst},
		{"max-widgets", c.MaxWidgets},
		{"max-operations", c.MaxOperations},
		{"max-dashboards", c.MaxDashboards},
		{"max-paths", c.MaxPaths},
		{"sessions-per-address", c.SessionsPerAddress},
		{"connects-per-address", c.ConnectsPerAddress},
		{"requests-per-address", c.RequestsPerAddress},
		{"unsigned-sessions", c.UnsignedSessions},
		{"unsigned-per-address", c.UnsignedPerAddress},
		{"connections-per-address", c.ConnectionsPerAddress},
	} {
		if s.value < 1 {
			return refuse("--%s %d leaves room for none: it must be at least 1; leave it out for the default", s.flag, s.value)
		}
	}
	if c.KeepEntries < 0 {
		return refuse("--keep-entries %d must not be negative; leave it out to keep all of the history", c.KeepEntries)
	}
	for _, s := range []struct {
		flag  string
		value span
	}{{"heartbeat", c.Heartbeat}, {"heartbeat-timeout", c.HeartbeatTimeout}} {
		if s.value < span(100*time.Millisecond) {
			return refuse("--%s %s is too short for a client to answer in: it must be at least 100ms", s.flag, time.Duration(s.value))
		}
	}
	return c.natsFlags.sane()
}

// sane refuses settings for NATS that nothing comes of.
func (f *natsFlags) sane() error {
	for _, s := range []struct {
		flag string
		set  bool
	}{
		{"nats-stream", f.NatsStream != "dashwire"},
		{"nats-replicas", f.NatsReplicas != 3},
		{"nats-monitor", len(f.NatsMonitor) > 0},
		{"nats-sync-always", f.NatsSyncAlways},
		{"nats-unsafe", f.NatsUnsafe},
		{"nats-creds", f.NatsCreds != ""},
		{"nats-ca", f.NatsCA != ""},
		{"nats-cert", f.NatsCert != ""},
		{"nats-key", f.NatsKey != ""},
	} {
		if s.set && len(f.Nats) == 0 {
			return refuse("--%s does nothing without --nats: name the NATS servers, or leave it out", s.flag)
		}
	}
	switch f.NatsReplicas {
	case 1, 3, 5:
		return nil
	}
	return refuse("--nats-replicas %d: write 1, 3 or 5", f.NatsReplicas)
}
