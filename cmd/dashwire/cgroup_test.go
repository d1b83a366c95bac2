package main

import (
	"io/fs"
	"testing"
)

func TestWithoutOutside(t *testing.T) {
	for all, want := range map[int64]int64{0: 0, 64 << 20: 32 << 20, 128 << 20: 64 << 20, 512 << 20: 448 << 20, 10 << 30: 9 << 30} {
		if got := withoutOutside(all); got != want {
			t.Errorf("of %d MiB the runtime may use %d MiB, want %d", all>>20, got>>20, want>>20)
		}
	}
}

func TestGroupMemory(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"none", nil, 0},
		{"a container, version 2", map[string]string{
			"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "134217728\n",
		}, 128 << 20},
		{"a container, version 2, without a limit", map[string]string{
			"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n",
		}, 0},
		{"a container, version 1", map[string]string{
			"/proc/self/cgroup":                           "4:memory:/docker/3f\n0::/docker/3f\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "134217728\n",
		}, 128 << 20},
		{"version 1 without a limit", map[string]string{
			"/proc/self/cgroup":                           "4:memory:/\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		{"nothing told of where it is", map[string]string{
			"/sys/fs/cgroup/memory.max": "134217728\n",
		}, 128 << 20},
		{"a service of systemd", map[string]string{
			"/proc/self/cgroup": "0::/system.slice/dashwire.service\n",
			"/sys/fs/cgroup/system.slice/dashwire.service/memory.max": "268435456\n",
			"/sys/fs/cgroup/system.slice/memory.max":                  "max\n",
		}, 256 << 20},
		{"less around it", map[string]string{
			"/proc/self/cgroup": "0::/system.slice/dashwire.service\n",
			"/sys/fs/cgroup/system.slice/dashwire.service/memory.max": "268435456\n",
			"/sys/fs/cgroup/system.slice/memory.max":                  "134217728\n",
		}, 128 << 20},
		{"slowed down before the end", map[string]string{
			"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "268435456\n", "/sys/fs/cgroup/a/memory.high": "134217728\n",
		}, 128 << 20},
		{"several controllers", map[string]string{
			"/proc/self/cgroup": "5:cpu,memory:/a:b\n2:memoryless:/c\n",
			"/sys/fs/cgroup/memory/a:b/memory.limit_in_bytes": "134217728\n",
			"/sys/fs/cgroup/memory/c/memory.limit_in_bytes":   "1\n",
		}, 128 << 20},
		{"outside of its namespace", map[string]string{
			"/proc/self/cgroup": "0::/../../a\n", "/sys/fs/cgroup/a/memory.max": "134217728\n", "/sys/memory.max": "1\n",
		}, 128 << 20},
		{"no number", map[string]string{
			"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "many\n",
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := groupMemory(func(name string) ([]byte, error) {
				text, is := c.files[name]
				if !is {
					return nil, fs.ErrNotExist
				}
				return []byte(text), nil
			})
			if got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
