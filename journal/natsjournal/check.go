package natsjournal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// What the servers must be and take.
const (
	minPayload      = 8 << 20
	minMajor        = 2
	minMinor        = 15
	monitorBodyMost = 1 << 20
)

// Report is what Open found.
type Report struct {
	// Server is the name and Version the version of the server that answered.
	Server, Version string
	// Stream is the stream's name, Generation the mark that it was made with.
	Stream, Generation string
	// Created tells that Open made the stream.
	Created bool
	// Replicas is how many servers keep the stream.
	Replicas int
	// SyncAlways tells that each write is on disk before it is acknowledged, as the
	// monitoring ports or Options say.
	SyncAlways bool
	// MaxPayload is the largest message, in bytes.
	MaxPayload int
	// Durability is what Append says.
	Durability journal.Durability
	// Dangers are what could lose acknowledged edits; empty unless Options.Unsafe.
	Dangers []string
}

// Report tells what Open found.
func (j *Journal) Report() Report { return j.found }

// checkServer refuses servers that cannot do the work, whatever the options.
func checkServer(version string, maxPayload int) error {
	major, minor, err := parseVersion(version)
	if err != nil {
		return err
	}
	if major < minMajor || major == minMajor && minor < minMinor {
		return fmt.Errorf("the NATS server has version %s; %d.%d or newer is needed", version, minMajor, minMinor)
	}
	if maxPayload < minPayload {
		return fmt.Errorf("the NATS servers take messages of %d bytes; set max_payload: 8MB or more in their configuration", maxPayload)
	}
	return nil
}

func parseVersion(s string) (major, minor int, err error) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) == 3 {
		major, err = strconv.Atoi(parts[0])
		if err == nil {
			minor, err = strconv.Atoi(parts[1])
		}
	}
	if len(parts) != 3 || err != nil {
		return 0, 0, fmt.Errorf("the NATS server tells no version that can be read: %q", s)
	}
	return major, minor, nil
}

// jsz is what a monitoring port tells of JetStream.
type jsz struct {
	ServerID string `json:"server_id"`
	Disabled bool   `json:"disabled"`
	Config   struct {
		SyncInterval time.Duration `json:"sync_interval"`
		SyncAlways   bool          `json:"sync_always"`
	} `json:"config"`
}

// monitored is what one monitoring port says.
type monitored struct {
	name   string
	always bool
	every  time.Duration
}

// askMonitor asks a monitoring port how its server syncs.
func askMonitor(ctx context.Context, address string) (monitored, error) {
	var found monitored
	var server struct {
		Name string `json:"server_name"`
	}
	var config jsz
	for path, into := range map[string]any{"/jsz?config=true": &config, "/varz": &server} {
		if err := fetch(ctx, strings.TrimSuffix(address, "/")+path, into); err != nil {
			return found, fmt.Errorf("ask the monitoring port %s: %w", address, err)
		}
	}
	if config.Disabled {
		return found, fmt.Errorf("the server at %s runs without JetStream", address)
	}
	return monitored{name: server.Name, always: config.Config.SyncAlways, every: config.Config.SyncInterval}, nil
}

func fetch(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, monitorBodyMost))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// checkSync finds out whether all servers that may keep the stream sync each write.
func (j *Journal) checkSync(ctx context.Context, info *jetstream.StreamInfo) (always bool, dangers []string, err error) {
	if j.opts.SyncAlways {
		return true, nil, nil
	}
	var silence error
	if len(j.opts.Monitors) == 0 {
		return false, []string{"it is not known whether the servers sync each write before they acknowledge it: " +
			"name their monitoring ports, or say that they run with sync_interval: always"}, nil
	}
	seen := make(map[string]bool)
	var silent []string
	for _, address := range j.opts.Monitors {
		once, cancel := context.WithTimeout(ctx, monitorWait)
		m, err := askMonitor(once, address)
		cancel()
		if err != nil {
			j.opts.Logger.Warn("a monitoring port does not answer; it is asked again until it does", "err", err)
			silent, silence = append(silent, address), err
			continue
		}
		seen[m.name] = true
		if !m.always {
			dangers = append(dangers, m.danger(address))
		}
	}
	// A server that is away confirms nothing. That must not keep this node from starting
	// while the others, a quorum, are known to be good.
	if len(silent) > 0 && len(seen) <= info.Config.Replicas/2 {
		return false, nil, silence
	}
	if len(silent) > 0 {
		j.tasks.Go(func() { j.askAgain(silent) })
	}
	missing := len(silent)
	for _, name := range peersOf(info, j.conn.ConnectedServerName()) {
		if !seen[name] {
			if missing--; missing >= 0 {
				continue
			}
			dangers = append(dangers, fmt.Sprintf("no monitoring port of the server %s was named, which keeps the stream %s", name, info.Config.Name))
		}
	}
	return len(dangers) == 0, dangers, nil
}

// monitorWait is how long a monitoring port has to answer.
const monitorWait = 3 * time.Second

// danger says what is wrong with a server that does not sync each write.
func (m monitored) danger(address string) string {
	return fmt.Sprintf("the server %s (%s) syncs every %s, so that a power cut loses acknowledged edits: "+
		"set sync_interval: always in the jetstream block of its configuration", m.name, address, m.every)
}

// askAgain asks the monitoring ports that did not answer at the start, until they do.
func (j *Journal) askAgain(silent []string) {
	for len(silent) > 0 && j.pause(j.life, j.opts.tune.look) {
		silent = slices.DeleteFunc(silent, func(address string) bool {
			ctx, cancel := context.WithTimeout(j.life, monitorWait)
			defer cancel()
			m, err := askMonitor(ctx, address)
			if err == nil && !m.always {
				j.opts.Logger.Error("acknowledged edits could be lost", "stream", j.stream, "why", m.danger(address))
			}
			return err == nil
		})
	}
}

// peersOf names the servers that keep a stream.
func peersOf(info *jetstream.StreamInfo, connected string) []string {
	if info.Cluster == nil || info.Cluster.Leader == "" {
		return []string{connected}
	}
	names := []string{info.Cluster.Leader}
	for _, r := range info.Cluster.Replicas {
		names = append(names, r.Name)
	}
	return names
}

// judge says how durable an append is on a stream, and refuses what could lose
// acknowledged edits unless the options allow that.
func (j *Journal) judge(info *jetstream.StreamInfo, always bool, dangers []string) (journal.Durability, []string, error) {
	if info.Config.Storage != jetstream.FileStorage {
		dangers = append(dangers, "the stream is kept in memory")
	}
	if info.Config.PersistMode != jetstream.DefaultPersistMode {
		dangers = append(dangers, "the stream acknowledges before it writes (persist mode async)")
		always = false
	}
	if got := info.Config.Replicas; got != j.opts.Replicas {
		dangers = append(dangers, fmt.Sprintf("the stream is kept by %d servers instead of %d: change that in a quiet hour with "+
			"`nats stream edit %s --replicas %d`", got, j.opts.Replicas, info.Config.Name, j.opts.Replicas))
	}
	durability := journal.Memory
	if always && info.Config.Storage == jetstream.FileStorage {
		durability = journal.Disk
		if info.Config.Replicas > 1 {
			durability = journal.Quorum
		}
	}
	if len(dangers) > 0 && !j.opts.Unsafe {
		list := make([]error, len(dangers))
		for i, d := range dangers {
			list[i] = errors.New(d)
		}
		return durability, dangers, fmt.Errorf("acknowledged edits could be lost:\n%w", errors.Join(list...))
	}
	return durability, dangers, nil
}
