package pagetest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// patience is how long the browser may take to start, for one command, and to end.
const patience = 30 * time.Second

// Browser is a running Chromium. Its methods may be called from several goroutines.
type Browser struct {
	cmd    *exec.Cmd
	conn   net.Conn
	reader sync.WaitGroup

	mu      sync.Mutex // guards the rest, and writing to conn
	last    int
	waiting map[int]chan reply
	pages   map[string]*Page // by the protocol's session id
	closed  error            // why no more answers come
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// incoming is a message of the debugging protocol: an answer if it has an id, else an event.
type incoming struct {
	reply
	ID        int
	Method    string
	Params    json.RawMessage
	SessionID string
}

// Start runs the browser program without a window. dataDir must be empty and belongs
// to it until Close has returned.
func Start(ctx context.Context, program, dataDir string) (*Browser, error) {
	b := &Browser{waiting: make(map[int]chan reply), pages: make(map[string]*Page)}
	b.cmd = exec.CommandContext(ctx, program,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
		"--remote-debugging-port=0", "--user-data-dir="+dataDir, "about:blank")
	b.cmd.WaitDelay = 5 * time.Second
	stderr, err := b.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("pagetest.Start: %w", err)
	}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("pagetest.Start: %w", err)
	}
	late := time.AfterFunc(patience, func() { _ = b.cmd.Process.Kill() })
	url, err := debuggingURL(stderr)
	late.Stop()
	if err == nil {
		b.conn, _, _, err = ws.Dial(ctx, url)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pagetest.Start: %w", err), b.cmd.Process.Kill(), b.cmd.Wait())
	}
	b.reader.Go(func() { _, _ = io.Copy(io.Discard, stderr) })
	b.reader.Go(b.read)
	return b, nil
}

// debuggingURL reads the address that the browser prints when it is ready.
func debuggingURL(stderr io.Reader) (string, error) {
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
			return strings.TrimSpace(url), nil
		}
		fmt.Fprintln(&said, lines.Text())
	}
	return "", fmt.Errorf("the browser ended before it was ready: %s", said.String())
}

// Close ends the browser and waits for it. One that does not end by itself is killed,
// which is an error.
func (b *Browser) Close() error {
	_, _ = b.call("", "Browser.close", nil) // it may end before it answers
	late := time.AfterFunc(patience, func() { _ = b.cmd.Process.Kill() })
	defer late.Stop()
	err := b.cmd.Wait()
	_ = b.conn.Close()
	b.reader.Wait()
	return err
}

// call sends a command and waits for its answer.
func (b *Browser) call(session, method string, params any) (json.RawMessage, error) {
	answer := make(chan reply, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	message, err := json.Marshal(command{id, method, params, session})
	if err == nil {
		err = b.closed
	}
	if err == nil {
		b.waiting[id] = answer
		err = wsutil.WriteClientText(b.conn, message)
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	var got reply
	select {
	case got = <-answer:
	case <-late.C:
		return nil, fmt.Errorf("%s: no answer for %v", method, patience)
	}
	if got.Error != nil {
		return nil, fmt.Errorf("%s: %s", method, got.Error.Message)
	}
	return got.Result, nil
}

// command is what the browser is asked to do, in a page if there is a session.
type command struct {
	ID        int    `json:"id"`
	Method    string `json:"method"`
	Params    any    `json:"params,omitempty"`
	SessionID string `json:"sessionId,omitempty"`
}

// read hands answers and events to whom they belong until the browser has gone.
func (b *Browser) read() {
	for {
		data, err := wsutil.ReadServerText(b.conn)
		var m incoming
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		b.mu.Lock()
		if err != nil {
			b.closed = fmt.Errorf("the browser has gone: %w", err)
			for id, answer := range b.waiting {
				delete(b.waiting, id)
				answer <- reply{Error: &struct{ Message string }{b.closed.Error()}}
			}
			b.mu.Unlock()
			return
		}
		answer, page := b.waiting[m.ID], b.pages[m.SessionID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case answer != nil:
			answer <- m.reply
		case page != nil:
			page.event(m.Method, m.Params)
		}
	}
}
