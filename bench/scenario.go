package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	measure "github.com/dashwire/dashwire/internal/bench"
)

// scenario is one thing that is measured of every peer.
type scenario struct {
	name, title string
	// editors and readers; several dashboards have them in turn.
	dashboards, editors, readers int
	window                       int     // edits in flight of each editor
	rate                         float64 // edits a second of all; 0 = as fast as they are answered
	fill                         int     // bytes added to each edit
	frozen                       int     // readers that stop reading
	run                          func(context.Context, *job) error
}

var scenarios = []scenario{
	{name: "ceiling", title: "what the generator takes", dashboards: 1, readers: 500, run: flood},
	{name: "idle", title: "sessions that do nothing", dashboards: 1, run: idle},
	{name: "hot", title: "one dashboard, 500 readers, 20 editors with 4 edits in flight", dashboards: 1, readers: 500, editors: 20, window: 4, run: busy},
	{name: "paced", title: "150 edits a second to 500 readers", dashboards: 1, readers: 500, editors: 10, rate: 150, run: busy},
	{name: "calm", title: "10 edits a second to 100 readers", dashboards: 1, readers: 100, editors: 2, rate: 10, run: busy},
	{name: "edits", title: "100 dashboards, an editor with one edit in flight and a reader each", dashboards: 100, readers: 100, editors: 100, window: 1, run: edits},
	{name: "pipelined", title: "100 dashboards, an editor with 8 edits in flight and a reader each", dashboards: 100, readers: 100, editors: 100, window: 8, run: edits},
	{name: "slow", title: "100 edits of 4 KB a second to 300 readers, of whom 50 freeze", dashboards: 1, readers: 300, editors: 10, rate: 100, fill: 4000, frozen: 50, run: slow},
}

// job is one scenario against one server.
type job struct {
	*load
	plan        scenario
	server      process
	duration    time.Duration
	connections int
	numbers     map[string]float64
}

const (
	// warmUp passes before counting begins.
	warmUp = time.Second
	// settle bounds each wait for something that must come.
	settle = 20 * time.Second
	// frozenAtLeast is how long slow readers stay frozen.
	frozenAtLeast = 20 * time.Second
	// atOnce is how many handshakes are under way at a time.
	atOnce = 64
)

// busy is editors and readers, closed loop or paced.
func busy(ctx context.Context, j *job) error {
	if err := j.open(ctx); err != nil {
		return err
	}
	if err := j.begin(); err != nil {
		return err
	}
	if err := j.stepFor(ctx, warmUp); err != nil {
		return err
	}
	if err := j.count(ctx, ""); err != nil {
		return err
	}
	return j.finish(ctx)
}

// edits is busy, and then again at half the rate that was reached.
func edits(ctx context.Context, j *job) error {
	if err := busy(ctx, j); err != nil {
		return err
	}
	for _, c := range j.editors {
		c.window = 0
	}
	if err := j.pace(j.numbers["edits/s"] / 2); err != nil {
		return err
	}
	if err := j.stepFor(ctx, warmUp); err != nil {
		return err
	}
	if err := j.count(ctx, "half: "); err != nil {
		return err
	}
	return j.finish(ctx)
}

// slow compares what readers see while some of them are frozen with what they see else.
func slow(ctx context.Context, j *job) error {
	if err := j.open(ctx); err != nil {
		return err
	}
	if err := j.begin(); err != nil {
		return err
	}
	if err := j.stepFor(ctx, warmUp); err != nil {
		return err
	}
	for _, c := range j.conns[:j.plan.frozen] {
		c.timed, c.slow = false, true
	}
	if err := j.count(ctx, ""); err != nil {
		return err
	}
	before, err := j.server.memory()
	if err != nil {
		return err
	}
	for _, c := range j.conns[:j.plan.frozen] {
		if err := j.freeze(c, true); err != nil {
			return err
		}
	}
	// The sockets of each take megabytes before a server feels it.
	j.duration = max(2*j.duration, frozenAtLeast)
	if err := j.count(ctx, "frozen: "); err != nil {
		return err
	}
	after, err := j.server.memory()
	if err != nil {
		return err
	}
	j.numbers["frozen: MiB more"] = (float64(after) - float64(before)) / (1 << 20)

	// Thawed, they are current once they have what was the newest at that moment.
	head, began := j.head(0), time.Now()
	for _, c := range j.conns[:j.plan.frozen] {
		if err := j.freeze(c, false); err != nil {
			return err
		}
	}
	behind := func() int {
		n := 0
		for _, c := range j.conns[:j.plan.frozen] {
			if c.ended == nil && c.version < head {
				n++
			}
		}
		return n
	}
	if err := j.stepUntil(ctx, settle, func() bool { return behind() == 0 }, func() { j.fault("%d thawed readers did not become current", behind()) }); err != nil {
		return err
	}
	j.numbers["thawed: ms to current"] = float64(time.Since(began)) / float64(time.Millisecond)
	closed := 0
	for _, c := range j.conns[:j.plan.frozen] {
		if c.ended != nil {
			closed++
		}
	}
	j.numbers["thawed: closed by the server"] = float64(closed)
	return j.finish(ctx)
}

// idle opens as many sessions as asked and leaves them alone.
func idle(ctx context.Context, j *job) error {
	// One goes first, so that what a server makes once is not counted.
	if err := j.openMany(ctx, 1, false); err != nil {
		return err
	}
	if err := j.stepFor(ctx, warmUp); err != nil {
		return err
	}
	before, err := j.server.memory()
	if err != nil {
		return err
	}
	cpu, err := j.server.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := j.openMany(ctx, j.connections, false); err != nil {
		return err
	}
	took := time.Since(began)
	cpu2, err := j.server.cpu()
	if err != nil {
		return err
	}
	// Memory is read when what opening needed has been given back.
	if err := j.stepFor(ctx, max(3*time.Second, j.duration)); err != nil {
		return err
	}
	after, err := j.server.memory()
	if err != nil {
		return err
	}
	j.numbers["connections"] = float64(j.connections)
	j.numbers["KiB a connection"] = (float64(after) - float64(before)) / 1024 / float64(j.connections)
	j.numbers["connections/s"] = float64(j.connections) / took.Seconds()
	j.numbers["CPU µs a handshake"] = float64((cpu2 - cpu).Microseconds()) / float64(j.connections)
	return nil
}

// flood has the raw floor pour.
func flood(ctx context.Context, j *job) error {
	j.dashboards[0] = "flood"
	if err := j.openMany(ctx, j.plan.readers, false); err != nil {
		return err
	}
	if err := j.stepFor(ctx, warmUp); err != nil {
		return err
	}
	return j.count(ctx, "")
}

// open opens readers, those that will freeze first, and editors.
func (j *job) open(ctx context.Context) error {
	if err := j.openMany(ctx, j.plan.frozen, true); err != nil {
		return err
	}
	if err := j.openMany(ctx, j.plan.readers-j.plan.frozen, false); err != nil {
		return err
	}
	for i := range j.plan.editors {
		c, err := j.dial(-1, false)
		if err != nil {
			return err
		}
		c.window, c.sent = j.plan.window, map[uint32]int64{}
		c.edit = edit{client: i, dashboard: j.dashboards[i%len(j.dashboards)], widget: i % widgets, fill: strings.Repeat("x", j.plan.fill)}
		j.editors = append(j.editors, c)
	}
	all := len(j.conns)
	err := j.stepUntil(ctx, settle, func() bool { return j.ready+j.lost >= all }, nil)
	if err == nil && (j.lost > 0 || j.ready < all) {
		err = fmt.Errorf("of %d connections %d opened: %s", all, j.ready, strings.Join(j.faultLines(), "; "))
	}
	return err
}

// openMany opens readers of the dashboards in turn and waits until they follow them.
func (j *job) openMany(ctx context.Context, n int, small bool) error {
	from := j.synced
	for i := range n {
		c, err := j.dial((from+i)%len(j.dashboards), small)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		c.timed = j.plan.rate > 0
		opened := func() bool { return from+i+1-j.synced < atOnce || j.lost > 0 }
		if i == n-1 {
			opened = func() bool { return j.synced == from+n || j.lost > 0 }
		}
		late := errors.New("a reader was not subscribed in time")
		err = j.stepUntil(ctx, settle, func() bool { return opened() }, func() { j.fault("%s", late) })
		if err == nil && !opened() {
			err = late
		}
		if err == nil && j.lost > 0 {
			err = errors.New(strings.Join(j.faultLines(), "; "))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// begin has the editors edit.
func (j *job) begin() error {
	if j.plan.rate > 0 {
		return j.pace(j.plan.rate)
	}
	for _, c := range j.editors {
		for range c.window {
			j.edit(c)
		}
		if err := c.flush(j.load); err != nil {
			return err
		}
	}
	return nil
}

// count counts for the duration. Names of numbers begin with prefix.
func (j *job) count(ctx context.Context, prefix string) error {
	type tally struct {
		at                                     time.Time
		server, own                            time.Duration
		deliveries, jumps, acked, bytes, reads uint64
		acks, late                             measure.Counts
	}
	take := func() (t tally, err error) {
		if t.server, err = j.server.cpu(); err == nil {
			t.own, err = process(os.Getpid()).cpu()
		}
		t.at, t.acks, t.late = time.Now(), j.acks.Counts(), j.late.Counts()
		t.deliveries, t.jumps, t.acked, t.bytes, t.reads = j.deliveries, j.jumps, j.acked, j.bytes, j.reads
		return t, err
	}
	a, err := take()
	if err != nil {
		return err
	}
	if err := j.stepFor(ctx, j.duration); err != nil {
		return err
	}
	b, err := take()
	if err != nil {
		return err
	}
	seconds := b.at.Sub(a.at).Seconds()
	set := func(name string, v float64) { j.numbers[prefix+name] = v }
	delivered, acked := float64(b.deliveries-a.deliveries), float64(b.acked-a.acked)
	set("deliveries/s", delivered/seconds)
	set("jumps/s", float64(b.jumps-a.jumps)/seconds)
	set("edits/s", acked/seconds)
	set("server CPU %", (b.server-a.server).Seconds()/seconds*100)
	set("generator CPU %", (b.own-a.own).Seconds()/seconds*100)
	if delivered > 0 {
		set("CPU µs a delivery", (b.server-a.server).Seconds()*1e6/delivered)
		set("bytes a delivery", float64(b.bytes-a.bytes)/delivered)
		set("deliveries a read", delivered/float64(max(b.reads-a.reads, 1)))
	}
	times := func(name string, c measure.Counts) {
		if c.Total() == 0 {
			return
		}
		for label, q := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
			set(name+" "+label+" ms", float64(c.Quantile(q))/float64(time.Millisecond))
		}
	}
	times("ACK", b.acks.Since(a.acks))
	times("delivery", b.late.Since(a.late))
	return nil
}

// head is the version of a dashboard when all its edits so far are answered.
func (j *job) head(dashboard int) uint64 {
	head := firstVersion(j.dialect)
	for i, c := range j.editors {
		if i%len(j.dashboards) == dashboard {
			head += c.acked
		}
	}
	return head
}

// finish ends editing, waits for all answers, and holds what readers have heard
// against what was acknowledged.
func (j *job) finish(ctx context.Context) error {
	if err := j.pace(0); err != nil {
		return err
	}
	for _, c := range j.editors {
		c.window = 0
	}
	done := func() bool {
		for _, c := range j.editors {
			if len(c.sent) > 0 && c.ended == nil {
				return false
			}
		}
		for _, c := range j.conns {
			if c.dashboard >= 0 && c.ended == nil && c.version < j.head(c.dashboard) {
				return false
			}
		}
		return true
	}
	if err := j.stepUntil(ctx, settle, done, func() { j.fault("not all that was sent came back within %s", settle) }); err != nil {
		return err
	}
	for _, c := range j.conns {
		if c.dashboard >= 0 && c.version > j.head(c.dashboard) {
			j.fault("a reader heard of more than was acknowledged")
		}
	}
	return nil
}
