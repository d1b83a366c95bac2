package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dashwire/dashwire/internal/freeport"
)

// network gives each process an address, and each a namespace of its own if that is
// possible. Then packets can be dropped on any link, in one direction too.
type network struct {
	prefix string // of names; "" = there are no namespaces
	subnet string // "10.201.7."
	hosts  int
}

// networks counts those of this process.
var networks atomic.Int64

// namePrefix begins the name of every namespace and bridge.
const namePrefix = "dwc"

// newNetwork makes the bridge that connects the namespaces, or says why there are none.
func newNetwork(t *testing.T) *network {
	t.Helper()
	if !*chaosNets {
		t.Log("no network namespaces asked for: faults come from signals and proxies alone")
		return &network{}
	}
	sweepNamespaces()
	// Each has names of its own: a namespace goes some time after it was deleted.
	k := int(networks.Add(1))
	n := &network{prefix: fmt.Sprintf("%s%d%c", namePrefix, os.Getpid(), 'a'+k%26), subnet: fmt.Sprintf("10.201.%d.", (os.Getpid()+k)%250)}
	t.Cleanup(func() { removeNamespaces(n.prefix) })
	err := run("ip", "link", "add", n.bridge(), "type", "bridge")
	for _, args := range [][]string{
		{"ip", "addr", "add", n.subnet + "1/24", "dev", n.bridge()},
		{"ip", "link", "set", n.bridge(), "up"},
		{"ip", "netns", "add", n.prefix + "-try"},
		{"ip", "netns", "exec", n.prefix + "-try", "nft", "add", "table", "inet", "faults"},
		{"ip", "netns", "del", n.prefix + "-try"},
	} {
		if err == nil {
			err = run(args...)
		}
	}
	if err != nil {
		removeNamespaces(n.prefix)
		t.Logf("no network namespaces here (%v): faults come from signals and proxies alone", err)
		return &network{}
	}
	return n
}

func (n *network) isolated() bool { return n.prefix != "" }
func (n *network) bridge() string { return n.prefix }

// gateway is the address of this process on the network.
func (n *network) gateway() string {
	if n.isolated() {
		return n.subnet + "1"
	}
	return "127.0.0.1"
}

// host is where one process is.
type host struct {
	network *network
	ns      string // "" = none
	ip      string
}

// newHost makes a namespace with one address.
func (n *network) newHost(t *testing.T) *host {
	t.Helper()
	n.hosts++
	if !n.isolated() {
		return &host{network: n, ip: "127.0.0.1"}
	}
	h := &host{network: n, ns: fmt.Sprintf("%s-%d", n.prefix, n.hosts), ip: fmt.Sprintf("%s%d", n.subnet, n.hosts+1)}
	outer, inner := fmt.Sprintf("%sv%d", n.prefix, n.hosts), fmt.Sprintf("%sw%d", n.prefix, n.hosts)
	for _, args := range [][]string{
		{"ip", "netns", "add", h.ns},
		{"ip", "link", "add", outer, "type", "veth", "peer", "name", inner},
		{"ip", "link", "set", outer, "master", n.bridge(), "up"},
		{"ip", "link", "set", inner, "netns", h.ns},
		{"ip", "-n", h.ns, "addr", "add", h.ip + "/24", "dev", inner},
		{"ip", "-n", h.ns, "link", "set", inner, "up"},
		{"ip", "-n", h.ns, "link", "set", "lo", "up"},
	} {
		if err := run(args...); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// command runs a program on the host.
func (h *host) command(name string, args ...string) *exec.Cmd {
	if h.ns == "" {
		return exec.Command(name, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", h.ns, name}, args...)...)
}

// port finds one that nobody listens on. In a namespace of its own any is free.
func (h *host) port(t *testing.T, wanted int) int {
	t.Helper()
	if h.ns != "" {
		return wanted
	}
	return freeport.Take(t, 1)[0]
}

// filter drops what rules say on the host's link, in place of what was dropped
// before; no rules = nothing. A rule begins with "in" or "out".
func (h *host) filter(rules ...string) error {
	var in, out strings.Builder
	for _, r := range rules {
		if rule, ok := strings.CutPrefix(r, "in "); ok {
			fmt.Fprintf(&in, "%s drop\n", rule)
		} else {
			fmt.Fprintf(&out, "%s drop\n", strings.TrimPrefix(r, "out "))
		}
	}
	script := "add table inet faults\ndelete table inet faults\n"
	if len(rules) > 0 {
		script += "table inet faults {\nchain in { type filter hook input priority 0; policy accept;\niif lo accept\n" + in.String() +
			"}\nchain out { type filter hook output priority 0; policy accept;\noif lo accept\n" + out.String() + "}\n}\n"
	}
	cmd := exec.Command("ip", "netns", "exec", h.ns, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, text)
	}
	return nil
}

func run(args ...string) error {
	if text, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, text)
	}
	return nil
}

// removeNamespaces takes away what a run has made. What is in a namespace goes with it.
func removeNamespaces(prefix string) {
	out, _ := exec.Command("ip", "netns", "list").Output()
	for line := range strings.Lines(string(out)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, prefix+"-") {
			_ = run("ip", "netns", "del", name)
		}
	}
	_ = run("ip", "link", "del", prefix)
}

// sweepNamespaces takes away what was left by runs that were killed.
func sweepNamespaces() {
	links, _ := exec.Command("ip", "-o", "link", "show", "type", "bridge").Output()
	for line := range strings.Lines(string(links)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		name := strings.TrimSuffix(fields[1], ":")
		pid, err := strconv.Atoi(strings.TrimRight(strings.TrimPrefix(name, namePrefix), "abcdefghijklmnopqrstuvwxyz"))
		if err != nil || !strings.HasPrefix(name, namePrefix) {
			continue
		}
		if _, err := os.Stat(fmt.Sprint("/proc/", pid)); os.IsNotExist(err) {
			removeNamespaces(name)
		}
	}
}
