package hostmetrics

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// topEvery is how often the processes are walked: it costs a file read for each.
const topEvery = 5 * time.Second

// topProcesses is how many processes a sample names.
const topProcesses = 8

// Options configure a Sampler. The zero value reads this machine.
type Options struct {
	// Path is on the volume whose usage is told; "" = the working directory.
	Path string
	// Sources replace the machine, function by function; nil ones read it.
	Sources Sources
}

// Sampler reads the machine and keeps the counters of the last time. It has no
// goroutine and no clock; one goroutine at a time may use it.
type Sampler struct {
	path    string
	sources Sources
	facts   Facts
	factErr error

	// The counters of the last sample and its time; zero before the first.
	cpu     reading[[]CPUCounter]
	disk    reading[map[string]IOCounter]
	network reading[map[string]IOCounter]
	self    reading[float64]
	procs   reading[map[int32]float64]
	topped  bool // a list of processes was given out
	count   int  // of processes, when they were last walked
}

// reading is what a source said last, and when.
type reading[T any] struct {
	at    time.Time
	value T
}

// next keeps the new reading and returns the one before with the seconds between
// the two; 0 if there was none or the clock did not move on.
func (r *reading[T]) next(now time.Time, value T) (T, float64) {
	last := *r
	r.at, r.value = now, value
	if last.at.IsZero() {
		return last.value, 0
	}
	return last.value, max(now.Sub(last.at).Seconds(), 0)
}

// NewSampler makes a Sampler; the facts of the host are read once, here.
func NewSampler(opts Options) *Sampler {
	s := &Sampler{path: cmp.Or(opts.Path, "."), sources: opts.Sources.orSystem()}
	s.facts, s.factErr = s.sources.Facts()
	s.facts.Cores = max(s.facts.Cores, 1)
	return s
}

// Facts are what is known of the host.
func (s *Sampler) Facts() Facts { return s.facts }

// Sample reads every source once. What fails is named in Missing and leaves the
// rest alone; the error is not nil only if nothing at all could be read. Rates
// are over the time since the last call, so the first sample has none.
func (s *Sampler) Sample(now time.Time) (Sample, error) {
	out := Sample{Time: now, Host: s.facts}
	read := 0
	try := func(source string, f func() error) {
		if err := f(); err != nil {
			out.Missing = append(out.Missing, Missing{Source: source, Err: fmt.Errorf("read %s: %w", source, err)})
			return
		}
		read++
	}
	if s.factErr != nil {
		out.Missing = append(out.Missing, Missing{Source: "host", Err: fmt.Errorf("read host: %w", s.factErr)})
	}
	try("cpu", func() error { return s.sampleCPU(now, &out) })
	try("load", func() error { return keep(&out.Load, s.sources.Load) })
	try("memory", func() error { return keep(&out.Memory, s.sources.Memory) })
	try("swap", func() error { return keep(&out.Swap, s.sources.Swap) })
	try("disk", func() error {
		return keep(&out.Disk, func() (Usage, error) { return s.sources.Disk(s.path) })
	})
	try("disk io", func() error { return sampleIO(now, s.sources.DiskIO, &s.disk, &out.DiskIO) })
	try("network", func() error { return sampleIO(now, s.sources.Network, &s.network, &out.Network) })
	try("uptime", func() (err error) { out.Uptime, err = s.sources.Uptime(); return err })
	try("processes", func() error { return s.sampleTop(now, &out) })
	try("self", func() error { return s.sampleSelf(now, &out) })
	if read > 0 {
		return out, nil
	}
	errs := make([]error, len(out.Missing))
	for i, m := range out.Missing {
		errs[i] = m.Err
	}
	return out, errors.Join(errs...)
}

// keep stores what a source says if it says something.
func keep[T any](into **T, source func() (T, error)) error {
	v, err := source()
	if err != nil {
		return err
	}
	*into = &v
	return nil
}

func (s *Sampler) sampleCPU(now time.Time, out *Sample) error {
	cores, err := s.sources.CPU()
	if err != nil {
		return err
	}
	last, _ := s.cpu.next(now, cores)
	if len(last) != len(cores) || len(cores) == 0 {
		return nil // the first time, or cores came or went
	}
	cpu := &CPU{Cores: make([]float64, len(cores))}
	var busy, total float64
	for i, c := range cores {
		b, t := c.Busy-last[i].Busy, c.Total-last[i].Total
		if t <= 0 {
			cpu.Cores[i] = -1
			continue
		}
		// The kernel's counters may step back by a tick.
		b = min(max(b, 0), t)
		cpu.Cores[i] = 100 * b / t
		busy, total = busy+b, total+t
	}
	if total > 0 {
		cpu.Total = 100 * busy / total
		out.CPU = cpu
	}
	return nil
}

// sampleIO sums the rates of all devices that were there the last time too and
// whose counters did not start anew.
func sampleIO(now time.Time, source func() (map[string]IOCounter, error), state *reading[map[string]IOCounter], into **Rates) error {
	counters, err := source()
	if err != nil {
		return err
	}
	last, seconds := state.next(now, counters)
	if seconds == 0 {
		return nil
	}
	rates := &Rates{}
	for name, c := range counters {
		before, ok := last[name]
		if !ok || c.In < before.In || c.Out < before.Out {
			continue
		}
		rates.In += float64(c.In-before.In) / seconds
		rates.Out += float64(c.Out-before.Out) / seconds
	}
	*into = rates
	return nil
}

func (s *Sampler) sampleSelf(now time.Time, out *Sample) error {
	c, err := s.sources.Self()
	if err != nil {
		return err
	}
	out.Self = &Self{RSS: c.RSS, CPU: -1, Goroutines: c.Goroutines, Files: c.Files}
	if last, seconds := s.self.next(now, c.CPU); seconds > 0 {
		out.Self.CPU = max(100*(c.CPU-last)/seconds, 0)
	}
	return nil
}

// sampleTop walks the processes the first two times, so that a list is there soon,
// and then every few seconds.
func (s *Sampler) sampleTop(now time.Time, out *Sample) error {
	if s.topped && now.Sub(s.procs.at) < topEvery {
		out.Processes = s.count
		return nil
	}
	used, err := s.sources.Processes()
	if err != nil {
		return err
	}
	s.count = len(used)
	out.Processes = s.count
	last, seconds := s.procs.next(now, used)
	if seconds == 0 {
		return nil
	}
	type share struct {
		pid int32
		cpu float64
	}
	var shares []share
	for pid, c := range used {
		if before, ok := last[pid]; ok && c >= before {
			shares = append(shares, share{pid, 100 * (c - before) / seconds})
		}
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.cpu, a.cpu), cmp.Compare(a.pid, b.pid))
	})
	out.Top = make([]Process, 0, topProcesses)
	for _, p := range shares {
		if len(out.Top) == topProcesses {
			break
		}
		name, rss, err := s.sources.Process(p.pid)
		if err != nil {
			continue // it ended meanwhile
		}
		out.Top = append(out.Top, Process{PID: p.pid, Name: name, CPU: p.cpu, RSS: rss})
	}
	s.topped = true
	return nil
}

// orSystem fills what is nil with the machine's own.
func (s Sources) orSystem() Sources {
	system := SystemSources()
	fill(&s.Facts, system.Facts)
	fill(&s.CPU, system.CPU)
	fill(&s.Load, system.Load)
	fill(&s.Memory, system.Memory)
	fill(&s.Swap, system.Swap)
	fill(&s.DiskIO, system.DiskIO)
	fill(&s.Network, system.Network)
	fill(&s.Uptime, system.Uptime)
	fill(&s.Processes, system.Processes)
	fill(&s.Self, system.Self)
	if s.Disk == nil {
		s.Disk = system.Disk
	}
	if s.Process == nil {
		s.Process = system.Process
	}
	return s
}

func fill[T any](f *func() (T, error), system func() (T, error)) {
	if *f == nil {
		*f = system
	}
}
