package hostmetrics

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	start    = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	errNoSys = errors.New("no such file")
)

// machine is a machine made up of counters that the test sets.
type machine struct {
	cpu     []CPUCounter
	disk    map[string]IOCounter
	network map[string]IOCounter
	procs   map[int32]float64
	self    SelfCounter
	walks   int
}

func (m *machine) sources() Sources {
	return Sources{
		Facts:     func() (Facts, error) { return Facts{Hostname: "box", Cores: len(m.cpu)}, nil },
		CPU:       func() ([]CPUCounter, error) { return m.cpu, nil },
		Load:      func() (Load, error) { return Load{1, 2, 3}, nil },
		Memory:    func() (Memory, error) { return Memory{Total: 100, Available: 60, Used: 40}, nil },
		Swap:      func() (Usage, error) { return Usage{}, nil },
		Disk:      func(string) (Usage, error) { return Usage{Total: 8, Used: 2}, nil },
		DiskIO:    func() (map[string]IOCounter, error) { return m.disk, nil },
		Network:   func() (map[string]IOCounter, error) { return m.network, nil },
		Uptime:    func() (time.Duration, error) { return time.Hour, nil },
		Processes: func() (map[int32]float64, error) { m.walks++; return m.procs, nil },
		Process: func(pid int32) (string, uint64, error) {
			if pid == 666 {
				return "", 0, errNoSys
			}
			return "p", uint64(pid), nil
		},
		Self: func() (SelfCounter, error) { return m.self, nil },
	}
}

func TestSampler_Rates(t *testing.T) {
	m := &machine{
		cpu:     []CPUCounter{{Busy: 10, Total: 100}, {Busy: 50, Total: 100}, {Busy: 5, Total: 100}},
		disk:    map[string]IOCounter{"vda": {In: 1000, Out: 1 << 40}},
		network: map[string]IOCounter{"eth0": {In: 5, Out: 5}, "eth1": {In: 900, Out: 900}, "gone": {In: 1, Out: 1}},
		procs:   map[int32]float64{1: 10, 2: 10, 666: 0},
		self:    SelfCounter{CPU: 1, RSS: 7, Goroutines: 3, Files: 9},
	}
	s := NewSampler(Options{Sources: m.sources()})
	first := mustSample(t, s, start)
	if first.CPU != nil || first.DiskIO != nil || first.Network != nil || first.Top != nil {
		t.Errorf("the first sample has rates without an earlier one: %+v", first)
	}
	if first.Self.CPU >= 0 {
		t.Errorf("own processor use %v is known without an earlier sample", first.Self.CPU)
	}

	m.cpu = []CPUCounter{{Busy: 10.5, Total: 102}, {Busy: 52, Total: 102}, {Busy: 4.9, Total: 102}}
	m.disk = map[string]IOCounter{"vda": {In: 3000, Out: 1<<40 + 500}}
	m.network = map[string]IOCounter{"eth0": {In: 205, Out: 45}, "eth1": {In: 3, Out: 3}, "new": {In: 1 << 30, Out: 1}}
	m.procs = map[int32]float64{1: 10.5, 2: 13, 3: 99, 666: 4}
	m.self.CPU = 1.5
	second := mustSample(t, s, start.Add(2*time.Second))

	about := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"percent of each core, a step back is idle", second.CPU, &CPU{Total: 100 * 2.5 / 6, Cores: []float64{25, 100, 0}}},
		{"bytes per second", second.DiskIO, &Rates{In: 1000, Out: 250}},
		{"interfaces that started anew, came or went do not count", second.Network, &Rates{In: 100, Out: 20}},
		{"busiest first, ended ones and newcomers left out", second.Top, []Process{{2, "p", 150, 2}, {1, "p", 25, 1}}},
		{"own use", second.Self, &Self{RSS: 7, CPU: 25, Goroutines: 3, Files: 9}},
		{"processes", second.Processes, 4},
	} {
		if diff := cmp.Diff(c.want, c.got, about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSampler_ClockThatStandsStillGivesNoRates(t *testing.T) {
	m := &machine{disk: map[string]IOCounter{"vda": {In: 1}}, network: map[string]IOCounter{"eth0": {}}}
	s := NewSampler(Options{Sources: m.sources()})
	mustSample(t, s, start)
	for _, at := range []time.Time{start, start.Add(-time.Hour)} {
		m.disk = map[string]IOCounter{"vda": {In: m.disk["vda"].In + 10}}
		if got := mustSample(t, s, at); got.DiskIO != nil || got.Network != nil || got.Self.CPU >= 0 {
			t.Errorf("at %v: rates %v, %v over no time", at, got.DiskIO, got.Network)
		}
	}
}

func TestSampler_WalksProcessesEveryFewSeconds(t *testing.T) {
	m := &machine{procs: map[int32]float64{1: 1, 2: 2}}
	s := NewSampler(Options{Sources: m.sources()})
	lists := 0
	for i := range 12 {
		got := mustSample(t, s, start.Add(time.Duration(i)*time.Second))
		if got.Processes != 2 {
			t.Fatalf("second %d: %d processes, want 2 in every sample", i, got.Processes)
		}
		if got.Top != nil {
			lists++
		}
	}
	// At 0 s the first look, lists at 1 s, 6 s and 11 s.
	if m.walks != 4 || lists != 3 {
		t.Errorf("%d walks and %d lists in 12 s, want 4 and 3", m.walks, lists)
	}
}

func TestSampler_OneSourceMissingLeavesTheRest(t *testing.T) {
	m := &machine{
		cpu: []CPUCounter{{1, 2}}, disk: map[string]IOCounter{"vda": {}}, network: map[string]IOCounter{"eth0": {}},
		procs: map[int32]float64{1: 0},
	}
	sources := map[string]func(*Sources){
		"cpu":       func(s *Sources) { s.CPU = func() ([]CPUCounter, error) { return nil, errNoSys } },
		"load":      func(s *Sources) { s.Load = func() (Load, error) { return Load{}, errNoSys } },
		"memory":    func(s *Sources) { s.Memory = func() (Memory, error) { return Memory{}, errNoSys } },
		"swap":      func(s *Sources) { s.Swap = func() (Usage, error) { return Usage{}, errNoSys } },
		"disk":      func(s *Sources) { s.Disk = func(string) (Usage, error) { return Usage{}, errNoSys } },
		"disk io":   func(s *Sources) { s.DiskIO = func() (map[string]IOCounter, error) { return nil, errNoSys } },
		"network":   func(s *Sources) { s.Network = func() (map[string]IOCounter, error) { return nil, errNoSys } },
		"uptime":    func(s *Sources) { s.Uptime = func() (time.Duration, error) { return 0, errNoSys } },
		"processes": func(s *Sources) { s.Processes = func() (map[int32]float64, error) { return nil, errNoSys } },
		"self":      func(s *Sources) { s.Self = func() (SelfCounter, error) { return SelfCounter{}, errNoSys } },
	}
	all := m.sources()
	healthy := len(Values(mustSample(t, NewSampler(Options{Sources: all}), start), ServerStats{}))
	for name, fail := range sources {
		t.Run(name, func(t *testing.T) {
			some := m.sources()
			fail(&some)
			fail(&all)
			got := mustSample(t, NewSampler(Options{Sources: some}), start)
			if len(got.Missing) != 1 || got.Missing[0].Source != name || !errors.Is(got.Missing[0].Err, errNoSys) {
				t.Errorf("missing %v, want %s alone", got.Missing, name)
			}
			if n := len(Values(got, ServerStats{})); n < healthy-2 {
				t.Errorf("%d of %d values are left", n, healthy)
			}
		})
	}
	t.Run("all", func(t *testing.T) {
		got, err := NewSampler(Options{Sources: all}).Sample(start)
		if !errors.Is(err, errNoSys) || len(got.Missing) != len(sources) {
			t.Errorf("error %v and %d missing, want an error and %d", err, len(got.Missing), len(sources))
		}
	})
}

func TestSampler_FactsThatCannotBeRead(t *testing.T) {
	m := &machine{}
	some := m.sources()
	some.Facts = func() (Facts, error) { return Facts{}, errNoSys }
	s := NewSampler(Options{Sources: some})
	if s.Facts().Cores != 1 {
		t.Errorf("%d cores, want at least 1", s.Facts().Cores)
	}
	if got := mustSample(t, s, start); len(got.Missing) != 1 || got.Missing[0].Source != "host" {
		t.Errorf("missing %v, want host", got.Missing)
	}
}

// TestSampler_ThisMachine reads the machine that the test runs on and holds what it
// says against what is possible.
func TestSampler_ThisMachine(t *testing.T) {
	s := NewSampler(Options{Path: t.TempDir()})
	begin := time.Now()
	mustSample(t, s, begin)
	// Use a processor until the kernel's clock has counted it.
	var got Sample
	for got.CPU == nil || got.CPU.Total == 0 || got.Self == nil || got.Self.CPU <= 0 {
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("no processor time was counted in two minutes: %+v", got)
		}
		spin()
		got = mustSample(t, s, time.Now())
	}
	if len(got.Missing) > 0 {
		t.Logf("missing on this machine: %v", got.Missing)
	}
	if got.CPU.Total > 100 || len(got.CPU.Cores) != got.Host.Cores {
		t.Errorf("processors %+v on %d cores", got.CPU, got.Host.Cores)
	}
	for i, c := range got.CPU.Cores {
		if c > 100 {
			t.Errorf("core %d is busy %v %%", i, c)
		}
	}
	if m := got.Memory; m == nil || m.Total < 16<<20 || m.Used > m.Total || m.Used+m.Available != m.Total {
		t.Errorf("memory %+v", m)
	}
	if d := got.Disk; d == nil || d.Total == 0 || d.Used > d.Total {
		t.Errorf("disk %+v", d)
	}
	if got.Uptime <= 0 || got.Processes < 1 {
		t.Errorf("uptime %v, %d processes", got.Uptime, got.Processes)
	}
	if got.Self.RSS < 1<<20 || got.Self.Goroutines < 2 {
		t.Errorf("self %+v", got.Self)
	}
	if got.Host.Hostname == "" || got.Host.GoVersion == "" {
		t.Errorf("host %+v", got.Host)
	}
}

// spin keeps one core busy for a moment.
func spin() {
	x := 1.0
	for range 2_000_000 {
		x = math.Sqrt(x + 1)
	}
	if x < 0 {
		panic("unreachable")
	}
}

func mustSample(t *testing.T, s *Sampler, now time.Time) Sample {
	t.Helper()
	got, err := s.Sample(now)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func BenchmarkSample(b *testing.B) {
	s := NewSampler(Options{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		// One second apart, so that every fifth walks the processes.
		if _, err := s.Sample(start.Add(time.Duration(i) * time.Second)); err != nil {
			b.Fatal(err)
		}
	}
}
