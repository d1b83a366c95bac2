package main

import (
	"path"
	"strconv"
	"strings"
)

// groupMemory is how much memory the control groups that the process is in may use, in
// bytes: the least of what it is allowed itself, as in a container or by MemoryMax of
// systemd, and of what those around it are. 0 = as much as there is.
func groupMemory(read func(string) ([]byte, error)) int64 {
	least := int64(0)
	consider := func(root, group string, files ...string) {
		// A container without a namespace of its own sees the path from outside, which is
		// not there, and its own group at the root.
		for group = path.Clean("/" + group); ; group = path.Dir(group) {
			for _, file := range files {
				if n := groupLimit(read, path.Join(root, group, file)); n > 0 && (least == 0 || n < least) {
					least = n
				}
			}
			if group == "/" {
				return
			}
		}
	}
	own, err := read("/proc/self/cgroup")
	if err != nil {
		own = []byte("0::/") // as if it were told nothing of where it is
	}
	for line := range strings.Lines(string(own)) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		switch {
		case controllers == "":
			consider("/sys/fs/cgroup", group, "memory.max", "memory.high")
		case strings.Contains(","+controllers+",", ",memory,"):
			consider("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes")
		}
	}
	return least
}

// groupLimit reads one limit, 0 if there is none: version 2 writes max, version 1 a number
// beyond any machine.
func groupLimit(read func(string) ([]byte, error), file string) int64 {
	text, err := read(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n >= 1<<50 {
		return 0
	}
	return n
}
