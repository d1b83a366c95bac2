package hostmetrics

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestDevices_NothingCountsTwice(t *testing.T) {
	for _, c := range []struct{ name, devices, want string }{
		{"virtual disk", "vda vda1 vda2", "vda"},
		{"flash", "nvme0n1 nvme0n1p1 nvme0n1p2 nvme1n1", "nvme0n1 nvme1n1"},
		{"card", "mmcblk0 mmcblk0p1", "mmcblk0"},
		{"stacked", "sda sda1 dm-0 md0 loop3 zram0 sr0", "sda"},
		{"partitions alone, as in a container", "sda1 sda2", "sda1 sda2"},
		{"stacked alone", "dm-0 dm-1", "dm-0 dm-1"},
		{"names that only look alike", "sd sdram mdx", "mdx sd sdram"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(wholeDisks(devices(c.devices))); got != c.want {
				t.Errorf("counted %q, want %q", got, c.want)
			}
		})
	}
}

func TestDevices_LoopbackOnlyIfThereIsNothingElse(t *testing.T) {
	loopback := map[string]bool{"lo": true}
	if got := names(outside(devices("lo eth0 wlan0"), loopback)); got != "eth0 wlan0" {
		t.Errorf("counted %q, want eth0 wlan0", got)
	}
	if got := names(outside(devices("lo"), loopback)); got != "lo" {
		t.Errorf("counted %q, want lo", got)
	}
}

func devices(list string) map[string]IOCounter {
	all := map[string]IOCounter{}
	for _, name := range strings.Fields(list) {
		all[name] = IOCounter{In: 1}
	}
	return all
}

func names(all map[string]IOCounter) string {
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}
