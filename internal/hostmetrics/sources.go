package hostmetrics

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
)

// Sources are where a Sampler reads from. Counters only grow until the machine
// restarts; the Sampler makes rates of them. Each function is called from the
// goroutine that calls Sample, one after another.
type Sources struct {
	Facts   func() (Facts, error)
	CPU     func() ([]CPUCounter, error) // one per core, in order
	Load    func() (Load, error)
	Memory  func() (Memory, error)
	Swap    func() (Usage, error)
	Disk    func(path string) (Usage, error)
	DiskIO  func() (map[string]IOCounter, error) // by device
	Network func() (map[string]IOCounter, error) // by interface
	Uptime  func() (time.Duration, error)
	// Processes gives the processor seconds that each process has used, by id.
	Processes func() (map[int32]float64, error)
	// Process tells more of one process.
	Process func(pid int32) (name string, rss uint64, err error)
	Self    func() (SelfCounter, error)
}

// CPUCounter is the time, in seconds, that one core has spent.
type CPUCounter struct {
	Busy  float64
	Total float64 // Busy and idle together
}

// IOCounter is the number of bytes read or received, and written or sent.
type IOCounter struct {
	In, Out uint64
}

// SelfCounter is what this very process uses.
type SelfCounter struct {
	RSS        uint64  // bytes
	CPU        float64 // processor seconds so far
	Goroutines int
	Files      int // open file descriptors, 0 = not known
}

// SystemSources reads the machine that this process runs on.
func SystemSources() Sources {
	return Sources{
		Facts:     systemFacts,
		CPU:       systemCPU,
		Load:      systemLoad,
		Memory:    systemMemory,
		Swap:      systemSwap,
		Disk:      systemDisk,
		DiskIO:    systemDiskIO,
		Network:   systemNetwork,
		Uptime:    systemUptime,
		Processes: systemProcesses,
		Process:   systemProcess,
		Self:      systemSelf,
	}
}

// systemFacts keeps what can be read if a part cannot.
func systemFacts() (Facts, error) {
	f := Facts{GoVersion: runtime.Version(), Arch: runtime.GOARCH, OS: runtime.GOOS, Cores: runtime.NumCPU()}
	name, err := os.Hostname()
	f.Hostname = name
	if n, e := cpu.Counts(true); e == nil && n > 0 {
		f.Cores = n
	} else {
		err = errors.Join(err, e)
	}
	info, e := host.Info()
	if e == nil {
		f.Platform, f.Kernel = info.Platform, info.KernelVersion
		if info.PlatformVersion != "" {
			f.Platform += " " + info.PlatformVersion
		}
		if f.Hostname == "" {
			f.Hostname = info.Hostname
		}
	}
	return f, errors.Join(err, e)
}

func systemCPU() ([]CPUCounter, error) {
	times, err := cpu.Times(true)
	if err != nil {
		return nil, err
	}
	cores := make([]CPUCounter, len(times))
	for i, t := range times {
		// Guest time is part of user time already.
		busy := t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal
		cores[i] = CPUCounter{Busy: busy, Total: busy + t.Idle + t.Iowait}
	}
	return cores, nil
}

func systemLoad() (Load, error) {
	avg, err := load.Avg()
	if err != nil {
		return Load{}, err
	}
	return Load{One: avg.Load1, Five: avg.Load5, Fifteen: avg.Load15}, nil
}

func systemMemory() (Memory, error) {
	m, err := mem.VirtualMemory()
	if err != nil {
		return Memory{}, err
	}
	used := m.Total - min(m.Available, m.Total)
	return Memory{Total: m.Total, Available: m.Available, Used: used}, nil
}

func systemSwap() (Usage, error) {
	s, err := mem.SwapMemory()
	if err != nil {
		return Usage{}, err
	}
	return Usage{Total: s.Total, Used: s.Used}, nil
}

// systemDisk counts as df does: blocks kept for root are neither used nor free.
func systemDisk(path string) (Usage, error) {
	u, err := disk.Usage(path)
	if err != nil {
		return Usage{}, err
	}
	return Usage{Total: u.Used + u.Free, Used: u.Used}, nil
}

func systemDiskIO() (map[string]IOCounter, error) {
	counters, err := disk.IOCounters()
	if err != nil {
		return nil, err
	}
	all := make(map[string]IOCounter, len(counters))
	for name, c := range counters {
		all[name] = IOCounter{In: c.ReadBytes, Out: c.WriteBytes}
	}
	return wholeDisks(all), nil
}

func systemNetwork() (map[string]IOCounter, error) {
	counters, err := net.IOCounters(true)
	if err != nil {
		return nil, err
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	loopback := map[string]bool{}
	for _, i := range interfaces {
		for _, flag := range i.Flags {
			loopback[i.Name] = loopback[i.Name] || flag == "loopback"
		}
	}
	all := make(map[string]IOCounter, len(counters))
	for _, c := range counters {
		all[c.Name] = IOCounter{In: c.BytesRecv, Out: c.BytesSent}
	}
	return outside(all, loopback), nil
}

func systemUptime() (time.Duration, error) {
	seconds, err := host.Uptime()
	return time.Duration(seconds) * time.Second, err
}

func systemProcesses() (map[int32]float64, error) {
	pids, err := process.Pids()
	if err != nil {
		return nil, err
	}
	used := make(map[int32]float64, len(pids))
	for _, pid := range pids {
		p := process.Process{Pid: pid}
		times, err := p.TimesWithContext(context.Background())
		if err != nil {
			continue // it has ended, or is not ours to look at
		}
		used[pid] = times.User + times.System
	}
	return used, nil
}

func systemProcess(pid int32) (string, uint64, error) {
	p := process.Process{Pid: pid}
	name, err := p.Name()
	if err != nil {
		return "", 0, err
	}
	m, err := p.MemoryInfo()
	if err != nil {
		return "", 0, err
	}
	return name, m.RSS, nil
}

func systemSelf() (SelfCounter, error) {
	p := process.Process{Pid: int32(os.Getpid())}
	m, err := p.MemoryInfo()
	if err != nil {
		return SelfCounter{}, err
	}
	times, err := p.Times()
	if err != nil {
		return SelfCounter{}, err
	}
	self := SelfCounter{RSS: m.RSS, CPU: times.User + times.System, Goroutines: runtime.NumGoroutine()}
	if n, err := p.NumFDs(); err == nil {
		self.Files = int(n)
	}
	return self, nil
}
