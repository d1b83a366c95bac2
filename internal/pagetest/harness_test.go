//go:build browser

package pagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/bench"
	"github.com/dashwire/dashwire/internal/page"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/observe"
)

// node is a server that can be stopped and started again on the same file and port.
type node struct {
	t    *testing.T
	file string
	addr string

	server *dashwire.Server
	stop   func()

	edits, deliveries atomic.Uint64
	acks              bench.Histogram
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{t: t, file: filepath.Join(t.TempDir(), "test.db"), addr: "127.0.0.1:0"}
	n.start()
	t.Cleanup(func() { n.stop() })
	return n
}

func (n *node) start() {
	n.t.Helper()
	j, err := sqlitejournal.Open(n.file, sqlitejournal.Options{})
	if err != nil {
		n.t.Fatal(err)
	}
	n.server, err = dashwire.New(dashwire.Config{
		Journal: j, Pages: page.Handler(), Drain: -1,
		ReconnectMin: 50 * time.Millisecond, ReconnectMax: 200 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
		Hooks: observe.Hooks{
			Commit:       func(*board.Entry) { n.edits.Add(1) },
			Deliver:      func(entries, _ int) { n.deliveries.Add(uint64(entries)) },
			Acknowledged: n.acks.Add,
		},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", n.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	n.addr = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ran, served := make(chan error, 1), make(chan error, 1)
	web := &http.Server{Handler: n.server, ReadHeaderTimeout: 5 * time.Second}
	go func() { ran <- n.server.Run(ctx) }()
	go func() { served <- web.Serve(listener) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			n.t.Errorf("Run: %v", err)
		}
		if err := errors.Join(web.Close(), j.Close()); err != nil {
			n.t.Errorf("stop: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			n.t.Errorf("Serve: %v", err)
		}
	})
}

// put makes a dashboard.
func (n *node) put(id string, doc *board.Document) {
	n.t.Helper()
	if _, err := n.server.Put(context.Background(), dashwire.App("test"), id, "put-"+id, doc); err != nil {
		n.t.Fatal(err)
	}
}

// document reads a dashboard and its version.
func (n *node) document(id string) (*board.Document, uint64) {
	n.t.Helper()
	doc, version, err := n.server.Document(context.Background(), id)
	if err != nil {
		n.t.Fatal(err)
	}
	return doc, version
}

// title is the title of a widget as the server has it.
func (n *node) title(dashboard, widget string) string {
	n.t.Helper()
	doc, _ := n.document(dashboard)
	title, _ := doc.Widgets[widget].Get("/title")
	return string(title)
}

// three is a dashboard with a chart, a number and a note; values are canonical.
func three() *board.Document {
	return &board.Document{
		Settings: `{"title":"Three"}`,
		Widgets: map[string]board.Value{
			"cpu":  `{"config":{"max":100,"min":0,"series":[{"key":"all","label":"all"}],"unit":"percent"},"title":"CPU","type":"timeseries"}`,
			"disk": `{"config":{"unit":"bytes"},"title":"Disk","type":"stat"}`,
			"note": `{"config":{"text":"**Hello** <b>world</b>"},"title":"Note","type":"text"}`,
		},
		Layouts: map[string]*board.Layout{"main": {
			Columns: 24, Compact: board.CompactVertical,
			Items: map[string]board.Rect{"cpu": {X: 0, Y: 0, W: 12, H: 8}, "disk": {X: 12, Y: 0, W: 6, H: 8}, "note": {X: 18, Y: 0, W: 6, H: 8}},
		}},
	}
}

// line stands between a window and the server like a bad network.
type line struct {
	t        *testing.T
	listener net.Listener
	to       string
	wg       sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	deaf  bool // what the server says is lost
	conns map[net.Conn]bool
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, listener: listener, to: to, conns: make(map[net.Conn]bool)}
	l.wg.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.set(true, false)
		l.wg.Wait()
	})
	return l
}

func (l *line) addr() string { return l.listener.Addr().String() }

// set cuts the line or mends it; deaf loses what the server says from now on.
func (l *line) set(cut, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.deaf = cut, deaf
	if cut {
		for c := range l.conns {
			_ = c.Close()
		}
	}
}

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.carry(near) })
	}
}

func (l *line) carry(near net.Conn) {
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		_ = near.Close()
		return
	}
	defer near.Close()
	defer far.Close()
	l.mu.Lock()
	if l.cut {
		l.mu.Unlock()
		return
	}
	l.conns[near], l.conns[far] = true, true
	l.mu.Unlock()
	l.wg.Go(func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	})
	_, _ = io.Copy(hearing{l, near}, far)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, near)
	delete(l.conns, far)
}

type hearing struct {
	*line
	to io.Writer
}

func (h hearing) Write(b []byte) (int, error) {
	h.mu.Lock()
	deaf := h.deaf
	h.mu.Unlock()
	if deaf {
		return len(b), nil
	}
	return h.to.Write(b)
}

// browser is one for all tests, as starting takes longest.
var browser = sync.OnceValues(func() (*Browser, error) {
	dir, err := os.MkdirTemp("", "dashwire-chromium-")
	if err != nil {
		return nil, err
	}
	return Start(context.Background(), cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), dir)
})

// person is a window that fails its test when something goes wrong.
type person struct {
	*Page
	t *testing.T
}

// open opens a dashboard as somebody, and waits until it is shown.
func open(t *testing.T, name, addr, dashboard string) *person {
	t.Helper()
	b, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	page, err := b.Open(1280, 900, fmt.Sprintf("localStorage.user = %q;", name))
	if err != nil {
		t.Fatal(err)
	}
	p := &person{page, t}
	t.Cleanup(func() {
		if t.Failed() {
			_ = page.Screenshot(filepath.Join(os.TempDir(), "dashwire-failed-"+name+".png"))
		}
		// A line that a test cuts, or a server that it stops, is told on the console.
		for _, problem := range page.Problems("WebSocket connection to", "ERR_CONNECTION", "ERR_EMPTY") {
			t.Errorf("%s: the console says: %s", name, problem)
		}
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	})
	p.must(page.Go("http://" + addr + "/#" + dashboard))
	p.wait("document.querySelector('#grid')?.dataset.version > 0")
	return p
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// all is what a window shows, for messages of failed waits.
const all = `[document.querySelector('#words').textContent, document.querySelector('#grid').dataset.version,
	...[...document.querySelectorAll('.tile')].map((t) => [t.dataset.id, t.querySelector('.title').value, t.style.gridArea].join(' '))]`

func (p *person) wait(condition string) {
	p.t.Helper()
	p.must(p.Wait(condition, all))
}

func (p *person) status(words string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("document.querySelector('#words').textContent === %q", words))
}

// tile is an expression for a part of a tile.
func tile(id, part string) string {
	return fmt.Sprintf("document.querySelector('[data-id=%q] %s')", id, part)
}

// at is where an element is once its tile has come to rest: left, top, width, height.
func (p *person) at(element string) (box [4]float64) {
	p.t.Helper()
	p.must(p.Eval(fmt.Sprintf(`(async () => {
		const el = %s;
		await Promise.all((el.closest('.tile')?.getAnimations() ?? []).map((a) => a.finished));
		const r = el.getBoundingClientRect();
		return [r.x, r.y, r.width, r.height];
	})()`, element), &box))
	return box
}

// drag moves the mouse with its button down from the middle of an element.
func (p *person) drag(element string, dx, dy float64) {
	p.t.Helper()
	box := p.at(element)
	x, y := box[0]+box[2]/2, box[1]+box[3]/2
	p.must(p.Mouse("mouseMoved", x, y, 0))
	p.must(p.Mouse("mousePressed", x, y, 1))
	for i := 1; i <= 8; i++ {
		p.must(p.Mouse("mouseMoved", x+dx*float64(i)/8, y+dy*float64(i)/8, 1))
	}
	p.must(p.Mouse("mouseReleased", x+dx, y+dy, 1))
}

// click clicks in the middle of an element, count times in a row.
func (p *person) click(element string, count int) {
	p.t.Helper()
	box := p.at(element)
	for i := 1; i <= count; i++ {
		p.must(p.Mouse("mousePressed", box[0]+box[2]/2, box[1]+box[3]/2, i))
		p.must(p.Mouse("mouseReleased", box[0]+box[2]/2, box[1]+box[3]/2, i))
	}
}

// begin opens a tile's title for editing.
func (p *person) begin(id string) {
	p.t.Helper()
	p.click(tile(id, "header"), 2)
	p.wait("document.activeElement === " + tile(id, ".title"))
}

// rename gives a tile another title by the keyboard.
func (p *person) rename(id, title string) {
	p.t.Helper()
	p.begin(id)
	p.must(p.Type(title))
	p.must(p.Key("Enter", false))
	p.shows(id, title)
}

func (p *person) shows(id, title string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%s.value === %q", tile(id, ".title"), title))
}

// stands waits until a tile has a rectangle.
func (p *person) stands(id string, r board.Rect) {
	p.t.Helper()
	p.wait(fmt.Sprintf("document.querySelector('[data-id=%q]').style.gridArea === '%d / %d / span %d / span %d'", id, r.Y+1, r.X+1, r.H, r.W))
}
