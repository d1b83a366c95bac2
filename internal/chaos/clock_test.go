package chaos

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The nodes are built with a package time whose wall clock is the machine's and an
// offset from a file, as if somebody had set the machine's clock: timers, deadlines
// and whatever else goes by the monotonic clock go on. The shipped program has no
// such thing.

// clockVariable names the file to a node; testdata/moved.go reads it.
const clockVariable = "CHAOS_CLOCK"

// movableClock writes into dir what `go build -overlay` needs for such a program, and
// returns the file to name there.
func movableClock(dir string) (overlay string, err error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	folder := filepath.Join(string(bytes.TrimSpace(out)), "src", "time")
	original := filepath.Join(folder, "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	now := []byte("func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n")
	if bytes.Count(text, now) != 1 {
		return "", errors.New("time.Now of this Go version is written otherwise: " + original + " has no line where its seconds could be moved")
	}
	changed := filepath.Join(dir, "time.go")
	if err := os.WriteFile(changed, bytes.Replace(text, now, append(bytes.Clone(now), "\tsec += moved()\n"...), 1), 0o644); err != nil {
		return "", err
	}
	added, err := filepath.Abs(filepath.Join("testdata", "moved.go"))
	if err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed, filepath.Join(folder, "moved.go"): added}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o644)
}

// wallClock is that of one node.
type wallClock struct {
	t    *testing.T
	path string
}

func newWallClock(t *testing.T, path string) *wallClock {
	t.Helper()
	c := &wallClock{t, path}
	if err := os.WriteFile(path, make([]byte, 8), 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// env is what the node finds its clock by.
func (c *wallClock) env() string { return clockVariable + "=" + c.path }

// move sets how far the clock is off, in whole seconds. A clock that runs jumps.
func (c *wallClock) move(off time.Duration) {
	f, err := os.OpenFile(c.path, os.O_WRONLY, 0)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer f.Close()
	if _, err := f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(int64(off/time.Second))), 0); err != nil {
		c.t.Error(err)
	}
}

// TestA3_TheClockOfANodeCanBeMoved: what the chaos does to clocks does happen.
func TestA3_TheClockOfANodeCanBeMoved(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	c := newWallClock(t, filepath.Join(dir, "clock"))
	h := (&network{}).newHost(t)
	address := fmt.Sprint("127.0.0.1:", h.port(t, 0))
	node := &process{
		name: "node", host: h, path: dashwire, log: filepath.Join(dir, "node.log"), env: []string{c.env()},
		args: []string{"serve", "--listen", address, "--no-demo", "--data", filepath.Join(dir, "node.db")},
	}
	if err := node.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.kill)
	for _, off := range []time.Duration{0, 25 * time.Hour, -25 * time.Hour, 0} {
		c.move(off)
		date, err := dateOf(ctx, "http://"+address+"/readyz")
		for err != nil && ctx.Err() == nil { // it begins to listen
			wait(ctx, 20*time.Millisecond)
			date, err = dateOf(ctx, "http://"+address+"/readyz")
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Until(date); got < off-time.Hour || got > off+time.Hour {
			t.Errorf("the clock was moved by %s, and the node's is off by %s", off, got)
		}
	}
}

// dateOf is when a server says that it answers.
func dateOf(ctx context.Context, url string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return time.Time{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer res.Body.Close()
	return http.ParseTime(res.Header.Get("Date"))
}
