package natstest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// killed is set for a process of the tests that is to die.
const killed = "NATSTEST_KILLED"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestACluster(t *testing.T) {
	c := NewCluster(t)
	if n, m := strings.Count(c.URLs(), "nats://127.0.0.1:"), len(c.Monitors()); n != 3 || m != 3 {
		t.Errorf("%d addresses, %d monitors, want 3", n, m)
	}
	if s := c.LeaderOf(t, "none"); s != nil {
		t.Errorf("%s leads a stream that is not there", s.Name)
	}
	c.Servers[0].Stop(t)
	c.Servers[1].Kill(t)
	for _, s := range c.Servers[:2] {
		if s.Running() || listens(s) {
			t.Errorf("%s runs on", s.Name)
		}
		s.Start(t)
	}
	c.WaitReady(t)
	var health struct{ Status string }
	if c.Servers[1].Ask(t, "/healthz?js-server-only=1", &health); health.Status != "ok" {
		t.Errorf("healthz: %q", health.Status)
	}
}

// TestServersEndWithTheirTest: nothing of a process of tests that is killed stays.
func TestServersEndWithTheirTest(t *testing.T) {
	if os.Getenv(killed) != "" {
		s := New(t)
		_, _ = os.Stdout.WriteString("\nat " + s.Monitor() + "\n")
		p, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		t.Fatal(p.Kill()) // it is killed before
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killed+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if at, ok := strings.CutPrefix(lines.Text(), "at http://"); ok {
			address = at
		}
	}
	if err := cmd.Wait(); address == "" || err == nil {
		t.Fatalf("the process ended with %v, its server was at %q", err, address)
	}
	end := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for answers(address) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the server has outlived the process that started it")
		}
	}
}

func listens(s *Server) bool { return answers(strings.TrimPrefix(s.Monitor(), "http://")) }

func answers(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
