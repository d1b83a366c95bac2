package hostmetrics

import "strings"

// wholeDisks leaves out what would count the same bytes twice: partitions of a
// disk that is there, and devices that stand on others (loop, device mapper,
// RAID) or hold no medium. If nothing else is there, all of them count.
func wholeDisks(all map[string]IOCounter) map[string]IOCounter {
	disks := make(map[string]IOCounter, len(all))
	for name, c := range all {
		if !stacked(name) && !partition(name, all) {
			disks[name] = c
		}
	}
	if len(disks) == 0 {
		return all
	}
	return disks
}

func stacked(name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "dm-", "md", "sr", "fd"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && digits(rest) {
			return true
		}
	}
	return false
}

// partition reports whether name is another device's name and a number, with a
// "p" between them where the device's name ends in a digit.
func partition(name string, all map[string]IOCounter) bool {
	disk := strings.TrimRight(name, "0123456789")
	if disk == name || disk == "" {
		return false
	}
	if _, ok := all[disk]; ok {
		return true
	}
	parent, ok := strings.CutSuffix(disk, "p")
	if !ok || parent == "" || !digits(parent[len(parent)-1:]) {
		return false
	}
	_, ok = all[parent]
	return ok
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// outside leaves out loopback interfaces, unless there are no others.
func outside(all map[string]IOCounter, loopback map[string]bool) map[string]IOCounter {
	out := make(map[string]IOCounter, len(all))
	for name, c := range all {
		if !loopback[name] {
			out[name] = c
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}
