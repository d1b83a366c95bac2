// Package natstest runs NATS servers for tests, each in a process of its own: three that
// are a cluster, or one that goes and comes. It is for tests, and not for those that need
// one server that stays, which may run in the test's own process.
//
//	c := natstest.NewCluster(t)
//	nc, err := nats.Connect(c.URLs())
//	…
//	c.Servers[0].Stop(t)
//
// The processes are command natsd without the race detector: what is found is in our code,
// and NATS, which has races in its clusters that we cannot mend, is not looked into. They
// end with the test, and with the process of the tests however that ends.
package natstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/freeport"
)

// Program is the path of natsd as it is in the tree, which Go's build cache keeps: it is
// linked once, not once for each package.
var Program = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-n", "github.com/dashwire/dashwire/internal/natsd")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building natsd: %w: %s", err, &said)
	}
	return strings.TrimSpace(string(out)), nil
})

// Server is a NATS server at the same addresses of 127.0.0.1 whenever it runs. Its fields
// may change while it does not. One goroutine of a test uses it.
type Server struct {
	Name              string
	Port, MonitorPort int
	Dir               string // where it keeps messages
	// Config is a file with all settings; "" = those of natsd, synced always.
	Config string
	// cluster is its port in one, and routes are where all servers of it are.
	cluster int
	routes  []string

	log   string // file
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan error // has how it ended; nil = it does not run
}

// New starts a server that stands alone. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	ports := freeport.Take(t, 2)
	s := &Server{Name: "n0", Port: ports[0], MonitorPort: ports[1], Dir: filepath.Join(t.TempDir(), "n0")}
	run(t, s)
	return s
}

// run starts servers that end with the test, and whose logs are shown if it fails.
func run(t testing.TB, servers ...*Server) {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		for _, s := range servers {
			s.Stop(t)
		}
		if t.Failed() {
			for _, s := range servers {
				text, _ := os.ReadFile(s.log) // none if it was never started
				t.Logf("the end of the log of %s:\n%s", s.Name, text[max(0, len(text)-8000):])
			}
		}
	})
	for _, s := range servers {
		s.log = filepath.Join(dir, s.Name+".log")
		s.Start(t)
	}
}

// URL is where clients connect.
func (s *Server) URL() string { return fmt.Sprint("nats://127.0.0.1:", s.Port) }

// Monitor is the address of its monitoring port.
func (s *Server) Monitor() string { return fmt.Sprint("http://127.0.0.1:", s.MonitorPort) }

// Start starts the server, which does not run, and returns when it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, s.args()...)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = bufio.NewReader(stdout).ReadString('\n')
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err != nil {
		stdin.Close()
		t.Fatalf("%s does not start: %v", s.Name, <-ended)
	}
	s.cmd, s.stdin, s.ended = cmd, stdin, ended
}

func (s *Server) args() []string {
	if s.Config != "" {
		return []string{"-config", s.Config}
	}
	return []string{
		"-name", s.Name, "-port", fmt.Sprint(s.Port), "-monitor", fmt.Sprint(s.MonitorPort), "-dir", s.Dir,
		"-cluster", fmt.Sprint(s.cluster), "-routes", strings.Join(s.routes, ","),
	}
}

// Running tells whether it was started and not ended since.
func (s *Server) Running() bool { return s.ended != nil }

// Stop shuts the server down if it runs. The test fails if it does not end well.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if !s.Running() {
		return
	}
	s.stdin.Close()
	err := <-s.ended
	s.ended = nil
	if err != nil {
		t.Errorf("%s has ended: %v", s.Name, err)
	}
}

// Kill ends the server, which runs, with SIGKILL.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	killed := s.cmd.Process.Kill()
	err := <-s.ended
	s.ended = nil
	if killed != nil {
		t.Errorf("%s had ended: %v", s.Name, err)
	}
}

// Ask gets a page of its monitoring port as JSON, such as /varz.
func (s *Server) Ask(t testing.TB, page string, into any) {
	t.Helper()
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.Monitor() + page)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s of %s: %s, %v", page, s.Name, res.Status, err)
	}
}
