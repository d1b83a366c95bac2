package session

import (
	"testing"
	"time"
)

// TestR2_ALateFlushIsNeverForgotten: a sweep of another dashboard may come at the very
// moment for which a session was put off, just before the write that it was put off to.
// What comes right after is put off anew, and heard.
func TestR2_ALateFlushIsNeverForgotten(t *testing.T) {
	const pace = 16 * time.Millisecond
	bubble(t, options{}, func(t *testing.T, n *node) {
		editor, reader := n.join("editor"), n.join("reader")
		reader.follow("ops")
		editor.create("ops", "cpu") // swept at once, and paced from here
		after(aWhile)
		reader.take()

		s := reader.session
		now := time.Now()
		s.mu.Lock()
		s.nextPaced = s.server.moment(now.Add(pace))
		s.mu.Unlock()
		s.Flush(now, true) // too early: put off for a pace
		s.mu.Lock()
		s.dueLocked(answer{frame: frame([]byte(`{"type":"PONG","payload":{}}`))}) // something to write
		s.mu.Unlock()
		s.Flush(now.Add(pace), true)             // the other sweep
		after(pace)                              // what it was put off to
		editor.title("t", "ops", "cpu", "heard") // swept while the next write is not due yet
		after(aWhile)
		reader.want("PONG WIDGET_UPDATE")
	})
}
