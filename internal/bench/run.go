package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/dashwire/dashwire/internal/wire"
)

// widgets is how many widgets the dashboards of a run have.
const widgets = 20

// run is one measurement.
type run struct {
	opts  *Options
	nodes []*dialer
	// home takes the requests of REST: the first node, or one that is not killed.
	home *dialer
	// far is where readers connect, if that is another node; nil = it is not.
	far    *dialer
	client *http.Client
	name   string // unique; ids begin with it
	report Report
	drives int // how often drive was called
	// gone ends the run: the server has gone away, and it is no fault of what it did.
	gone context.CancelCauseFunc

	mu     sync.Mutex
	leaves bool // connections end because this side closes them
	ended  int  // connections that ended otherwise
	conns  []*conn
	made   []string
	faults map[string]int
}

func newRun(opts *Options) *run {
	r := &run{
		opts: opts, client: &http.Client{Timeout: 30 * time.Second}, name: "bench-" + uuid.NewString()[:8],
		faults: make(map[string]int), gone: func(error) {},
		report: Report{
			Scenario: opts.Scenario, Server: opts.Server, Started: time.Now().UTC(), Numbers: []Number{}, Faults: []string{},
			Setup: map[string]int{},
		},
	}
	const readBuffer = 16 << 10
	for _, u := range opts.nodes {
		r.nodes = append(r.nodes, &dialer{base: u, token: opts.Token, readBuffer: readBuffer})
	}
	r.home = r.nodes[0]
	if n := len(r.nodes); n > 1 {
		r.report.Setup["nodes"], r.report.Servers = n, opts.Servers
		if opts.Scenario == Storm {
			r.home = r.nodes[1]
		}
	}
	if opts.far != nil {
		r.far = &dialer{base: opts.far, token: opts.Token, readBuffer: readBuffer}
		r.report.Setup["nodes"] = 2
	}
	return r
}

// fault counts something that must not happen.
func (r *run) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[fmt.Sprintf(format, args...)]++
}

// readBuffers has each connection begin with so many bytes to read into.
func (r *run) readBuffers(bytes int) {
	for _, d := range r.nodes {
		d.readBuffer = bytes
	}
	if r.far != nil {
		r.far.readBuffer = bytes
	}
}

// request does one request of the REST interface.
func (r *run) request(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return r.requestAt(ctx, r.home, method, path, body)
}

// requestAt is request at a node.
func (r *run) requestAt(ctx context.Context, d *dialer, method, path string, body []byte) ([]byte, error) {
	res, err := Patiently(ctx, func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, d.base.String()+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if r.opts.Token != "" {
			req.Header.Set("Authorization", "Bearer "+r.opts.Token)
		}
		if len(body) > 0 {
			req.Header.Set("Content-Type", "application/json")
		}
		return r.client.Do(req)
	})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, res.Status, data)
	}
	return data, err
}

func (r *run) dashboard(i int) string { return r.name + "-" + strconv.Itoa(i) }

// setUp makes the dashboards.
func (r *run) setUp(ctx context.Context) error {
	for k, n := range map[string]int{
		"readers": r.opts.Readers, "editors": r.opts.Editors, "inFlight": r.opts.InFlight,
		"dashboards": r.opts.Dashboards, "sessions": r.opts.Sessions, "rate": r.opts.Rate, "widgets": r.opts.Widgets,
	} {
		if k == "rate" && r.opts.Scenario == Values {
			k = "valuesRate" // of each widget
		}
		if n > 0 {
			r.report.Setup[k] = n
		}
	}
	doc := smallDocument(widgets)
	switch r.opts.Scenario {
	case Large:
		doc = largeDocument(r.opts.Widgets, largeBytes)
		r.readBuffers(64 << 10)
	case Values:
		doc = smallDocument(r.opts.Widgets)
		r.readBuffers(64 << 10)
	}
	for i := range r.opts.Dashboards {
		if err := r.makeDashboard(ctx, r.dashboard(i), doc); err != nil {
			return err
		}
	}
	if r.opts.Scenario == Large {
		return r.makeDashboard(ctx, r.dashboard(r.opts.Dashboards), largeDocument(widgets, smallBytes))
	}
	return nil
}

// smallDocument is a document of n widgets of little content.
func smallDocument(n int) string {
	var doc strings.Builder
	doc.WriteString(`{"widgets":{`)
	for i := range n {
		if i > 0 {
			doc.WriteByte(',')
		}
		fmt.Fprintf(&doc, `"w%d":{"type":"stat","title":"Widget %d","config":{"unit":"short","decimals":1}}`, i, i)
	}
	doc.WriteString(`}}`)
	return doc.String()
}

func (r *run) makeDashboard(ctx context.Context, id, doc string) error {
	if _, err := r.request(ctx, http.MethodPost, "/api/dashboards", []byte(`{"id":"`+id+`","title":"`+id+`","document":`+doc+`}`)); err != nil {
		return fmt.Errorf("making a dashboard: %w", err)
	}
	r.made = append(r.made, id)
	return nil
}

// tearDown closes every connection and deletes the dashboards.
func (r *run) tearDown() error {
	r.closeAll()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var first error
	failed := 0
	for _, id := range r.made {
		if _, err := r.request(ctx, http.MethodDelete, "/api/dashboards/"+id, nil); err != nil {
			if failed++; first == nil {
				first = err
			}
		}
	}
	if first != nil {
		first = fmt.Errorf("%d of the %d dashboards that were made are left there; the first could not be deleted: %w", failed, len(r.made), first)
	}
	r.client.CloseIdleConnections()
	for text, n := range r.faults {
		r.report.Faults = append(r.report.Faults, fmt.Sprintf("%d × %s", n, text))
	}
	return first
}

// nodeOf is the node at which the nth editor edits: each dashboard is edited at one
// node, a shared one at all.
func (r *run) nodeOf(n int) int {
	switch r.opts.Scenario {
	case Shared:
		return n % len(r.nodes)
	case Storm:
		if len(r.nodes) > 1 {
			return 1 // the first one ends
		}
	}
	return n % r.opts.Dashboards % len(r.nodes)
}

// readerAt is where the nth reader reads: in edits not where its dashboard is edited.
func (r *run) readerAt(n int) *dialer {
	switch {
	case r.far != nil:
		return r.far
	case r.opts.Scenario == Edits:
		return r.nodes[(r.nodeOf(n)+1)%len(r.nodes)]
	default:
		return r.nodes[n%len(r.nodes)]
	}
}

// open dials the first node and introduces a client; dashboard names one to follow, ""
// for none, from the document on. What the server answers is left to the reader of the
// connection.
func (r *run) open(ctx context.Context, client, dashboard string) (*conn, error) {
	return r.introduce(ctx, r.nodes[0], client, "", dashboard, "", 0)
}

// takesTogether is what a reader asks for besides: entries together (R10), as the clients do.
const takesTogether = `,"entries":"together"`

// introduce dials a node and introduces a client that goes on after a version of an
// epoch; "" = from the document on. asks are more members of its CONNECT.
func (r *run) introduce(ctx context.Context, d *dialer, client, asks, dashboard, epoch string, version uint64) (*conn, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	m := append(make([]byte, 0, 256), `{"type":"CONNECT","id":"hello","payload":{"clientId":"`...)
	m = append(append(m, client...), '"')
	c.queue(opText, append(append(m, asks...), "}}"...))
	if dashboard != "" {
		m = append(append(m[:0], `{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"`...), dashboard...)
		if epoch != "" {
			m = append(append(m, `","since":{"epoch":"`...), epoch...)
			m = append(strconv.AppendUint(append(m, `","version":`...), version, 10), `}}}`...)
		} else {
			m = append(m, `"}}`...)
		}
		c.queue(opText, m)
	}
	if err := c.flush(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	r.keep(c)
	return c, nil
}

// keep has closeAll close a connection, at once if it was called already.
func (r *run) keep(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leaves {
		_ = c.close()
		return
	}
	r.conns = append(r.conns, c)
}

// lost notes the end of a connection, unless it was closed from this side. That is the
// server's fault, but for one that says that it ends, or ends with all of them.
func (r *run) lost(who string, err error) {
	r.mu.Lock()
	if r.leaves {
		r.mu.Unlock()
		return
	}
	r.ended++
	all := r.ended == len(r.conns)
	r.mu.Unlock()
	var closed *errClosed
	if all && !errors.As(err, &closed) {
		r.gone(fmt.Errorf("the server ended, was restarted or cannot be reached any more while it was measured: all connections were lost (%w)", err))
	}
	r.restarted(err)
	r.fault("%s lost its connection: %s", who, err)
}

// restarted ends the run if that is what an error tells of the server.
func (r *run) restarted(err error) {
	var closed *errClosed
	switch {
	case errors.As(err, &closed) && (closed.code == int(wire.CloseGoingAway) || closed.code == int(wire.CloseRestart)):
		r.gone(fmt.Errorf("the server was stopped or restarted while it was measured: %w", err))
	case errors.Is(err, syscall.ECONNREFUSED):
		r.gone(fmt.Errorf("the server ended or was restarted while it was measured: %w", err))
	}
}

func (r *run) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaves = true
	for _, c := range r.conns {
		_ = c.close() // twice is harmless
	}
	r.conns = nil
}

// openMany opens n connections, some at a time; made is called for each from its own
// goroutine.
func (r *run) openMany(ctx context.Context, n int, made func(i int) error) error {
	const atOnce = 64
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := make(chan int)
	errs := make(chan error, atOnce)
	var wg sync.WaitGroup
	for range min(atOnce, n) {
		wg.Go(func() {
			for i := range next {
				if err := made(i); err != nil {
					errs <- err
					cancel()
					return
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
		if i%500 == 499 {
			r.opts.Progress(fmt.Sprintf("%d of %d connections", i+1, n))
		}
	}
	close(next)
	wg.Wait()
	select {
	case err := <-errs:
		return fmt.Errorf("connecting: %w", err)
	default:
		return ctx.Err()
	}
}
