package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// got gets something from a server as text.
func got(t *testing.T, node *process, path string) string {
	t.Helper()
	return string(fetch(t, http.MethodGet, node.url+path, "", nil))
}

var sumLine = regexp.MustCompile(`(\d+) dashboards?, ([\d,]+) entries, ([\d,]+) of them copied now\. Both sides are the same \(SHA-256 ([0-9a-f]{64})\)`)

// TestA4_FromAFileToNATSAndBack: dashboards move with history, versions and op ids, and
// clients go on where they were.
func TestA4_FromAFileToNATSAndBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	dir := t.TempDir()
	nats := newNatsServers(t)
	onFile := []string{"--no-demo", "--drain", "50ms"}
	onNATS := append([]string{"--drain", "50ms"}, nats.flags...)
	migrate := func(from, to string) result {
		return dash(t, dir, append([]string{"migrate", "--from", from, "--to", to}, nats.flags[2:]...)...)
	}
	file, cluster := "sqlite:dashwire.db", nats.flags[1]
	moved := func(r result) (entries, copied, sum string) {
		t.Helper()
		m := sumLine.FindStringSubmatch(r.out)
		if r.code != 0 || m == nil {
			t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
		}
		return m[2], m[3], m[4]
	}

	var clientID string
	edit := func(node *process, dashboard string, from, to int) {
		t.Helper()
		c, err := client.Dial(ctx, client.Options{URL: node.url, UserID: "ana", ClientID: clientID})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clientID = c.ClientID()
		for n := from; n < to; n++ {
			answer, err := c.Do(ctx, client.Op{
				DashboardID: dashboard, ID: fmt.Sprintf("%s.%d", dashboard, n), Type: client.WidgetUpdate, WidgetID: "cpu", Create: n == 0,
				Policy: board.PolicyOverwrite, Set: map[string]any{"/config/n": n},
			})
			if err != nil || answer.Ack == nil || answer.Ack.Version != uint64(n)+1 {
				t.Fatalf("edit %d of %s: %+v, %v", n, dashboard, answer, err)
			}
		}
	}
	node := serve(t, dir, onFile...)
	edit(node, "ops", 0, 1200) // past a snapshot
	edit(node, "a.b", 0, 3)
	edit(node, "gone", 0, 2)
	fetch(t, http.MethodDelete, node.url+"/api/dashboards/gone", "", nil)
	if r := migrate(file, cluster); r.code != 2 || !strings.Contains(r.err, "a server has dashwire.db open") {
		t.Errorf("with a running server: exit code %d, %s", r.code, r.err)
	}
	node.stop()

	entries, copied, first := moved(migrate(file, cluster))
	if entries != "1,206" || copied != "1,206" {
		t.Errorf("%s entries, %s copied; want 1,206", entries, copied)
	}
	if _, copied, sum := moved(migrate(file, cluster)); copied != "0" || sum != first {
		t.Errorf("again: %s copied, sum %s, was %s", copied, sum, first)
	}

	// An earlier run that got only so far is gone on with.
	node = serve(t, dir, onFile...)
	edit(node, "ops", 1200, 1210)
	edit(node, "new", 0, 1)
	paths := []string{"/api/dashboards/ops", "/api/dashboards/ops/history", "/api/dashboards/ops/versions/700", "/api/dashboards/a.b", "/api/dashboards?deleted=true"}
	var before []string
	for _, path := range paths {
		before = append(before, got(t, node, path))
	}
	node.stop()
	if entries, copied, _ := moved(migrate(file, cluster)); entries != "1,217" || copied != "11" {
		t.Errorf("%s entries, %s copied; want 1,217 and 11", entries, copied)
	}

	node = serve(t, t.TempDir(), onNATS...)
	for i, path := range paths {
		if text := got(t, node, path); !sameButUpdated(text, before[i]) {
			t.Errorf("%s from NATS:\n%.2000s\nfrom the file:\n%.2000s", path, text, before[i])
		}
	}
	edit(node, "ops", 1205, 1211) // five were committed before: the same versions (M8)
	node.stop()

	// Back, into a file that is not there yet.
	entries, copied, _ = moved(migrate(cluster, "sqlite:back.db"))
	if entries != "1,218" || copied != "1,218" {
		t.Errorf("%s entries, %s copied; want 1,218", entries, copied)
	}
	must(t, dir, "check", "--data", "back.db")
	node = serve(t, dir, append([]string{"--data", "back.db"}, onFile...)...)
	edit(node, "ops", 1209, 1212)
	node.stop()

	// What was edited on both sides is named, and nothing is written.
	if r := migrate("sqlite:back.db", cluster); r.code != 0 {
		t.Errorf("what is ahead: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	node = serve(t, dir, onFile...)
	edit(node, "ops", 1210, 1211)
	node.stop()
	if r := migrate(file, cluster); r.code != 2 || !strings.Contains(r.err, "holds other content of ops") {
		t.Errorf("what was edited on both sides: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	node = serve(t, dir, append([]string{"--data", "other.db"}, onFile...)...)
	edit(node, "else", 0, 1)
	node.stop()
	if r := migrate("sqlite:other.db", cluster); r.code != 2 || !strings.Contains(r.err, "holds other dashboards: a.b, gone, new, ops") {
		t.Errorf("into what holds others: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

var updated = regexp.MustCompile(`"updated":"[^"]*",?`)

// sameButUpdated compares answers without the times at which stores got their records.
func sameButUpdated(a, b string) bool {
	return updated.ReplaceAllString(a, "") == updated.ReplaceAllString(b, "")
}

// TestA2_MigratingIsGoneOnWith: what is stopped anywhere is whole after another run.
func TestA2_MigratingIsGoneOnWith(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	dir := t.TempDir()
	nats := newNatsServers(t)
	node := serve(t, dir, "--no-demo", "--drain", "50ms")
	c, err := client.Dial(ctx, client.Options{URL: node.url, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const dashboards = 500
	for n := range dashboards {
		for k := range 2 {
			_, err := c.Do(ctx, client.Op{
				DashboardID: fmt.Sprint("d", n), Type: client.WidgetUpdate, WidgetID: fmt.Sprint("w", k), Create: true, Set: map[string]any{"/title": "x"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Close()
	node.stop()
	const trimmed = 100 // dashboards whose history does not begin with version 1
	j, err := sqlitejournal.Open(filepath.Join(dir, "dashwire.db"), sqlitejournal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range trimmed {
		id := fmt.Sprint("c", n)
		a := journal.Append{DashboardID: id, After: 12_000, Begins: true, Records: [][]byte{[]byte("a"), []byte("b")}}
		if _, err := j.Append(ctx, a); err != nil {
			t.Fatal(err)
		}
		if err := j.SaveSnapshot(ctx, id, journal.Snapshot{Position: 12_000, Data: []byte("state")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"migrate", "--from", "sqlite:dashwire.db", "--to", nats.flags[1]}, nats.flags[2:]...)
	stopped := start(t, command(t, dir, args...))
	until(t, "something is copied", func() bool {
		for _, s := range nats.Servers {
			var info struct{ Messages int }
			if s.Ask(t, "/jsz", &info); info.Messages > 5 {
				return true
			}
		}
		return false
	})
	_ = stopped.cmd.Process.Kill() // it may have ended
	stopped.end()
	r := dash(t, dir, args...)
	m := sumLine.FindStringSubmatch(r.out)
	if r.code != 0 || m == nil || m[1] != "600" || m[2] != "1,200" {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	t.Logf("%s of 1,200 entries were left to the second run", m[3])
}

func TestMigrate_Refuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("no database"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"two files", "sqlite:a.db", "sqlite:b.db", "one is a file"},
		{"no file", "sqlite:a.db", "nats://127.0.0.1:1", "there is no file a.db"},
		{"no name", "nats://127.0.0.1:1", "sqlite:", "name the file"},
		{"no store", "sqlite:text", "127.0.0.1", "is no store"},
		{"no database", "sqlite:text", "nats://127.0.0.1:1", "not a database"},
		{"nobody there", "nats://127.0.0.1:1", "sqlite:b.db", "connect to nats://127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := dash(t, dir, "migrate", "--from", c.from, "--to", c.to)
			if r.code != 2 || !strings.Contains(r.err, c.want) {
				t.Errorf("exit code %d: %s; want %q", r.code, r.err, c.want)
			}
		})
	}
}
