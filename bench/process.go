package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// process is a process of this machine, as /proc tells of it.
type process int

// clockTick is the unit of times in /proc: USER_HZ, the same on all of Linux.
const clockTick = time.Second / 100

// cpu is the processor time that it has used, all threads, with the kernel's for it.
func (p process) cpu() (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(p)) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("processor time of %d: %w", p, err)
	}
	// The name of the command stands in brackets and may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("processor time of %d: %q", p, text)
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time of %d: %w", p, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memory is what it has resident, in bytes.
func (p process) memory() (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(p)) + "/status")
	if err != nil {
		return 0, fmt.Errorf("memory of %d: %w", p, err)
	}
	_, rest, found := strings.Cut(string(text), "\nVmRSS:")
	if fields := strings.Fields(rest); found && len(fields) > 0 {
		kb, err := strconv.ParseUint(fields[0], 10, 64)
		return kb << 10, err
	}
	return 0, fmt.Errorf("process %d tells no resident memory", p)
}
