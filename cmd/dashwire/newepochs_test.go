package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// backUp copies what all NATS servers keep, and returns how to put it back; nothing of
// theirs runs meanwhile.
func (c *natsServers) backUp(t *testing.T) (putBack func()) {
	t.Helper()
	copies := t.TempDir()
	each := func(what func(kept, copied string) error) {
		t.Helper()
		for _, s := range c.Servers {
			s.Stop(t)
		}
		for _, s := range c.Servers {
			if err := what(s.Dir, filepath.Join(copies, s.Name)); err != nil {
				t.Fatal(err)
			}
			s.Start(t)
		}
		c.WaitReady(t)
	}
	each(func(kept, copied string) error { return os.CopyFS(copied, os.DirFS(kept)) })
	return func() {
		t.Helper()
		each(func(kept, copied string) error {
			if err := os.RemoveAll(kept); err != nil {
				return err
			}
			return os.CopyFS(kept, os.DirFS(copied))
		})
	}
}

// TestR1_NewEpochsAfterARestoredStream: servers refuse a stream that was put back, until
// a command has begun new epochs; clients read anew and keep what was not acknowledged.
func TestR1_NewEpochsAfterARestoredStream(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	nats, dir := newNatsServers(t), t.TempDir()
	flags := append([]string{"--drain", "50ms"}, nats.flags...)
	node := serve(t, dir, flags...)
	ana, board1 := join(t, ctx, node, "ana", "ops")
	edit := func(id, title string) client.Op {
		return client.Op{
			ID: id, DashboardID: "ops", Type: client.WidgetUpdate, WidgetID: "cpu", Create: id == "1",
			Policy: board.PolicyOverwrite, Set: map[string]any{"/title": title},
		}
	}
	if answer, err := insist(ctx, board1, edit("1", "in the backup")); err != nil || answer.Ack.Version != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	putBack := nats.backUp(t)
	if answer, err := insist(ctx, board1, edit("2", "not in the backup")); err != nil || answer.Ack.Version != 2 {
		t.Fatalf("%+v, %v", answer, err)
	}
	before := board1.View()
	until(t, "the server has written down what it has seen", func() bool {
		data, _ := os.ReadFile(markPath(filepath.Join(dir, "dashwire.db")))
		return strings.Contains(string(data), `"first":2,`)
	})
	node.stop()
	answered := make(chan error, 1)
	go func() { // it waits in the client
		_, err := ana.Do(ctx, edit("3", "never acknowledged"))
		answered <- err
	}()
	putBack()

	again := append([]string{"serve", "--listen", strings.TrimPrefix(node.url, "http://")}, flags...)
	for range 2 {
		if r := dash(t, dir, again...); r.code == 0 || !strings.Contains(r.err, "put back to an older state") || !strings.Contains(r.err, "dashwire new-epochs") {
			t.Fatalf("a server on a stream that was put back: exit code %d\n%s%s", r.code, r.out, r.err)
		}
	}
	if out := must(t, dir, append([]string{"new-epochs"}, nats.flags...)...); !strings.Contains(out, "new epochs begun, 1 dashboard") {
		t.Errorf("the command says:\n%s", out)
	}
	node = start(t, command(t, dir, again...))
	node.wait(readyLine)
	if err := <-answered; err != nil {
		t.Fatalf("the edit that has waited: %v", err)
	}
	var view client.View
	if err := board1.Wait(ctx, func(v client.View) bool { view = v; return v.Epoch != before.Epoch && v.Version == 2 }); err != nil {
		t.Fatalf("%v, at version %d of epoch %s", err, view.Version, view.Epoch)
	}
	if title, _ := view.Document.Widgets["cpu"].Get("/title"); title != `"never acknowledged"` {
		t.Errorf("the title is %s, want the one that had waited", title)
	}

	if r := dash(t, dir, append([]string{"new-epochs", "--nats-stream", "other"}, nats.flags...)...); r.code == 0 || !strings.Contains(r.err, "there is no stream other") {
		t.Errorf("a stream that is not there: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}
