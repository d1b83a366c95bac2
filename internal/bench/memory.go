package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processMemory is the resident memory of a process, in bytes.
func processMemory(pid int) (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the memory of process %d is not known: %w", pid, err)
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		return kb * 1024, err
	}
	return 0, fmt.Errorf("process %d tells no resident memory", pid)
}
