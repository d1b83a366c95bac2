package attack

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// honest are two sessions of somebody who does nothing wrong, for as long as a test
// lasts: one edits, one follows.
type honest struct {
	t                  testing.TB
	editor, reader     *socket
	pause              *time.Ticker
	ended              chan struct{}
	editing, following sync.WaitGroup
	written, heard     atomic.Uint64 // the newest version acknowledged, and read
}

// honestPause is the time between two edits of the honest editor.
const honestPause = 5 * time.Millisecond

// beHonest begins the work.
func (x *target) beHonest() *honest {
	x.t.Helper()
	who := token(x.t, "honest", "honest=owner")
	h := &honest{t: x.t, editor: x.signIn(who, "editor"), reader: x.signIn(who, "reader"), pause: time.NewTicker(honestPause), ended: make(chan struct{})}
	h.edit(0, `"create":true,"set":{"/title":"honest"}`)
	for _, s := range []*socket{h.editor, h.reader} {
		if m := s.ask("SYNC_REQUEST", `{"dashboardId":"honest"}`); m.Type != "SYNC_RESPONSE" || m.fields().Version != 1 {
			x.t.Fatalf("subscribing was answered %s", m.raw)
		}
	}
	h.written.Store(1)
	h.heard.Store(1)
	h.editing.Go(h.edits)
	h.following.Go(h.follows)
	return h
}

// edit sends one edit and reads its answer. It reports false if that is not version n+1.
func (h *honest) edit(n uint64, what string) (ok bool) {
	h.editor.wait()
	id := fmt.Sprintf("honest-%d", n)
	err := h.editor.write(opText, fmt.Appendf(nil, `{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":"honest","widgetId":"w",%s}}`, id, what))
	for err == nil {
		var m *message
		if m, err = h.editor.read(); err != nil || m.CorrelationID != id {
			continue
		}
		if m.Type == "ACK" && m.fields().Version == n+1 {
			return true
		}
		h.t.Errorf("the honest editor's edit %d was answered %s", n, m.raw)
		return false
	}
	h.t.Errorf("the honest editor waits for the answer to its edit %d: %v", n, err)
	return false
}

// edits goes on with one edit after another.
func (h *honest) edits() {
	for n := uint64(1); ; n++ {
		select {
		case <-h.pause.C:
		case <-h.ended:
			return
		}
		if !h.edit(n, fmt.Sprintf(`"set":{"/config/n":%d}`, n)) {
			return
		}
		h.written.Store(n + 1)
	}
}

// follows checks that every version comes once and in order.
func (h *honest) follows() {
	for at := uint64(1); ; {
		_ = h.reader.conn.SetDeadline(time.Now().Add(patience)) // reading tells if it is closed
		m, err := h.reader.read()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				h.t.Errorf("the honest reader at version %d: %v", at, err)
			}
			return
		}
		f := m.fields()
		switch {
		case m.Type == "SYNC_UPDATE" && f.From == at:
		case m.Type == "WIDGET_UPDATE" && f.Version == at+1:
		default:
			h.t.Errorf("the honest reader hears after version %d: %s", at, m.raw)
			return
		}
		at = f.Version
		h.heard.Store(at)
	}
}

// check waits until some more edits were acknowledged and heard.
func (h *honest) check() {
	h.t.Helper()
	goal := h.written.Load() + 5
	eventually(h.t, "the honest sessions to go on", func() bool { return h.heard.Load() >= goal })
}

// stop ends the work.
func (h *honest) stop() {
	h.pause.Stop()
	close(h.ended)
	h.editing.Wait()
	h.reader.conn.Close()
	h.following.Wait()
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for giveUp := time.After(patience); !is(); {
		select {
		case <-look.C:
		case <-giveUp:
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}
