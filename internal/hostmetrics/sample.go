package hostmetrics

import "time"

// Facts are what stays the same while the machine runs. What could not be read is
// empty; Cores is at least 1.
type Facts struct {
	Hostname  string
	OS        string // as Go names it, "linux"
	Platform  string // distribution and its version
	Kernel    string
	Arch      string
	Cores     int
	GoVersion string
}

// Sample is the machine at one moment. A nil part could not be read, or is a rate
// that needs an earlier sample.
type Sample struct {
	Time      time.Time
	Host      Facts
	CPU       *CPU
	Load      *Load
	Memory    *Memory
	Swap      *Usage
	Disk      *Usage
	DiskIO    *Rates
	Network   *Rates
	Uptime    time.Duration // 0 = not known
	Processes int           // 0 = not known
	// Top are the processes that used most of the processors since they were last
	// looked at, which is every few seconds; nil in the samples between.
	Top  []Process
	Self *Self
	// Missing are the sources that could not be read this time, in a fixed order.
	Missing []Missing
}

// Missing is a source that could not be read.
type Missing struct {
	Source string
	Err    error
}

// CPU is how busy the processors were since the last sample, in percent of each.
type CPU struct {
	Total float64   // 0–100 over all cores
	Cores []float64 // 0–100 each; negative = not known
}

// Load is the number of processes that ran or waited, over 1, 5 and 15 minutes.
type Load struct {
	One, Five, Fifteen float64
}

// Memory is in bytes; Used is what is not available to new programs.
type Memory struct {
	Total, Available, Used uint64
}

// Usage is in bytes.
type Usage struct {
	Total, Used uint64
}

// Percent is the used part, 0–100; 0 if there is nothing to use.
func (u Usage) Percent() float64 {
	if u.Total == 0 {
		return 0
	}
	return 100 * float64(u.Used) / float64(u.Total)
}

// Rates are in bytes per second: read or received, written or sent.
type Rates struct {
	In, Out float64
}

// Process is one process and its use since it was last looked at.
type Process struct {
	PID  int32
	Name string
	CPU  float64 // percent of one core: 200 = two cores
	RSS  uint64  // bytes
}

// Self is what this very process uses.
type Self struct {
	RSS        uint64  // bytes
	CPU        float64 // percent of one core; negative = not known yet
	Goroutines int
	Files      int // open file descriptors, 0 = not known
}
