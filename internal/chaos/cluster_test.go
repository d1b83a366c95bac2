package chaos

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const members = 3 // NATS servers, and Dashwire servers

// process is one server, which can be killed and started again where it was.
type process struct {
	name  string
	host  *host
	path  string
	args  []string
	env   []string // besides that of this process
	log   string   // file
	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
	down  bool          // it was killed and shall stay so
}

// start starts the process unless it runs.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
	if p.runsLocked() {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := p.host.command(p.path, p.args...)
	cmd.Dir = filepath.Dir(p.log)
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil { // natsd ends with it
		return err
	}
	// It dies with this process, and Ctrl-C does not reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DASHWIRE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, p.env...)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended does not matter: it is killed all the time
	}()
	return nil
}

func (p *process) runsLocked() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal sends a signal if the process runs.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runsLocked() {
		_ = p.cmd.Process.Signal(s)
	}
}

// kill kills the process and waits until it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	p.mu.Lock()
	p.down = true
	ended := p.ended
	p.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// restart starts the process again if it ended by itself, as a service manager does.
func (p *process) restart() error {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		return nil
	}
	return p.start()
}

// cluster is everything that faults are done to.
type cluster struct {
	t       *testing.T
	network *network
	dir     string
	nats    [members]*process
	nodes   [members]*process
	clocks  [members]*wallClock      // of the nodes
	links   [members][members]*proxy // of a node to a NATS server
	natsURL [members]string          // past the proxies
	urls    [members]string          // of the nodes
}

// newCluster starts everything and waits until it serves.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, network: newNetwork(t), dir: t.TempDir()}
	var hosts, nodeHosts [members]*host
	var ports, monitors [members]int
	var routes, monitorURLs []string
	for i := range members {
		hosts[i] = c.network.newHost(t)
		ports[i], monitors[i] = hosts[i].port(t, 4222), hosts[i].port(t, 8222)
		routes = append(routes, fmt.Sprintf("%s:%d", hosts[i].ip, hosts[i].port(t, 6222)))
		monitorURLs = append(monitorURLs, fmt.Sprintf("http://%s:%d", hosts[i].ip, monitors[i]))
		c.natsURL[i] = fmt.Sprintf("nats://%s:%d", hosts[i].ip, ports[i])
	}
	for i := range members {
		name := fmt.Sprint("nats", i+1)
		_, clusterPort, _ := net.SplitHostPort(routes[i])
		c.nats[i] = &process{name: name, host: hosts[i], path: natsd, log: filepath.Join(c.dir, name+".log"), args: []string{
			"-name", name, "-host", hosts[i].ip, "-port", fmt.Sprint(ports[i]), "-monitor", fmt.Sprint(monitors[i]),
			"-cluster", clusterPort, "-routes", strings.Join(routes, ","), "-dir", filepath.Join(c.dir, name), "-log", filepath.Join(c.dir, name+".log"), "-proxied",
		}}
		c.run(c.nats[i])
	}
	for i := range members {
		nodeHosts[i] = c.network.newHost(t)
		name := fmt.Sprint("node", i+1)
		var urls []string
		for k := range members {
			c.links[i][k] = newProxy(t, c.network.gateway(), strings.TrimPrefix(c.natsURL[k], "nats://"))
			urls = append(urls, "nats://"+c.links[i][k].ln.Addr().String())
		}
		listen := fmt.Sprintf("%s:%d", nodeHosts[i].ip, nodeHosts[i].port(t, 3000))
		c.urls[i] = "http://" + listen
		c.clocks[i] = newWallClock(t, filepath.Join(c.dir, name+".clock"))
		c.nodes[i] = &process{name: name, host: nodeHosts[i], path: dashwire, log: filepath.Join(c.dir, name+".log"), env: []string{c.clocks[i].env()}, args: []string{
			"serve", "--listen", listen, "--insecure", "--no-demo", "--data", filepath.Join(c.dir, name+".db"), "--drain", "500ms",
			"--nats", strings.Join(urls, ","), "--nats-monitor", strings.Join(monitorURLs, ","),
		}}
	}
	// The first one makes the streams.
	c.keepUp(t.Context(), 0)
	for i := range members {
		c.run(c.nodes[i])
	}
	c.waitReady(t.Context())
	return c
}

func (c *cluster) run(p *process) {
	c.t.Helper()
	if err := p.start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(p.kill)
}

// keepUp starts a node again and again, as a service manager does, until it is ready.
func (c *cluster) keepUp(ctx context.Context, i int) {
	for ctx.Err() == nil && !c.ready(i) {
		if err := c.nodes[i].start(); err != nil {
			c.t.Error(err)
			return
		}
		wait(ctx, 100*time.Millisecond)
	}
}

// ready asks a node.
func (c *cluster) ready(i int) bool {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(c.urls[i] + "/readyz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// waitReady returns when all nodes are ready at the same time: while NATS looks for its
// leaders, one that was ready may not be any more.
func (c *cluster) waitReady(ctx context.Context) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	waits := ""
	for ctx.Err() == nil {
		var all sync.WaitGroup
		for i := range members {
			all.Go(func() { c.keepUp(ctx, i) })
		}
		all.Wait()
		waits = ""
		for i := range members {
			if !c.ready(i) {
				waits = c.nodes[i].name
			}
		}
		if waits == "" {
			return
		}
	}
	c.logs()
	c.t.Fatalf("%s is not ready", waits)
}

// logs shows the ends of all logs.
func (c *cluster) logs() {
	for _, list := range [][members]*process{c.nodes, c.nats} {
		for _, p := range list {
			data, _ := os.ReadFile(p.log)
			c.t.Logf("the end of the log of %s:\n%s", p.name, data[max(0, len(data)-4000):])
		}
	}
}

// wait waits for a while.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
