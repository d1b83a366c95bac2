package natsjournal

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/journal"
)

func quiet(o Options) Options {
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}

func TestA1_UnsafeServersAreRefused(t *testing.T) {
	synced := newServer(t, t.TempDir(), true)
	lazy := newServer(t, t.TempDir(), false)
	small := newServer(t, t.TempDir(), true, func(o *server.Options) { o.MaxPayload = 1 << 20 })
	plain := newServer(t, t.TempDir(), true, func(o *server.Options) { o.JetStream = false })
	tests := []struct {
		name       string
		url        string
		o          Options
		refused    string // part of the error; "" = it opens
		durability journal.Durability
	}{
		{"one replica, synced, asked", synced.url(), Options{Replicas: 1, Monitors: []string{synced.monitor()}}, "", journal.Disk},
		{"one replica, synced, said", synced.url(), Options{Replicas: 1, SyncAlways: true}, "", journal.Disk},
		{"nothing known of syncing", synced.url(), Options{Replicas: 1}, "name their monitoring ports", ""},
		{"the monitor of another server", synced.url(), Options{Replicas: 1, Monitors: []string{lazy.monitor()}}, "no monitoring port of the server", ""},
		{"not synced", lazy.url(), Options{Replicas: 1, Monitors: []string{lazy.monitor()}}, "sync_interval: always", ""},
		{"not synced, unsafe", lazy.url(), Options{Replicas: 1, Monitors: []string{lazy.monitor()}, Unsafe: true}, "", journal.Memory},
		{"nothing known, unsafe", synced.url(), Options{Replicas: 1, Unsafe: true, Stream: "other"}, "", journal.Memory},
		{"three replicas, one server", synced.url(), Options{SyncAlways: true, Stream: "three"}, "replicas", ""},
		{"an older stream with fewer replicas", synced.url(), Options{SyncAlways: true}, "kept by 1 servers instead of 3", ""},
		{"small messages", small.url(), Options{Replicas: 1, SyncAlways: true}, "max_payload", ""},
		{"no JetStream", plain.url(), Options{Replicas: 1, SyncAlways: true}, "without JetStream", ""},
		{"nobody there", "nats://user:secret@127.0.0.1:1", Options{Replicas: 1, SyncAlways: true}, "connect to nats://127.0.0.1:1", ""},
		{"a bad name", synced.url(), Options{Stream: "a.b"}, "Stream", ""},
		{"two replicas", synced.url(), Options{Replicas: 2}, "1, 3 or 5", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j, err := Open(t.Context(), test.url, quiet(test.o))
			if test.refused != "" {
				if err == nil {
					j.Close()
				}
				if err == nil || !strings.Contains(err.Error(), test.refused) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("got %v, want an error with %q", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			got, err := j.Append(t.Context(), of("ops", 0, "1"))
			if err != nil || got != test.durability || j.Report().Durability != test.durability {
				t.Errorf("durability is %q, %v; want %q", got, err, test.durability)
			}
			if r := j.Report(); r.Replicas != 1 || r.Version == "" || (len(r.Dangers) > 0) != test.o.Unsafe {
				t.Errorf("report: %+v", r)
			}
		})
	}
}

func TestA1_AClusterThatSyncsIsAQuorum(t *testing.T) {
	c := natstest.NewCluster(t)
	if j, err := Open(t.Context(), c.URLs(), quiet(Options{Monitors: c.Monitors()[:2]})); err == nil {
		j.Close()
		t.Fatal("a cluster with a server that nobody asked was taken")
	}
	j := mustOpen(t, c.URLs(), quiet(Options{Monitors: c.Monitors()}))
	if d, err := j.Append(t.Context(), of("ops", 0, "1")); err != nil || d != journal.Quorum {
		t.Errorf("durability is %q, %v; want quorum", d, err)
	}
	if _, d, err := j.Head(t.Context(), "ops"); err != nil || d != journal.Quorum {
		t.Errorf("head is as durable as %q, %v; want quorum", d, err)
	}
}

// TestA3_ANodeStartsWithoutOneServer: with two of three there is a quorum, and what is
// known of them is enough. With one there is none.
func TestA3_ANodeStartsWithoutOneServer(t *testing.T) {
	c := natstest.NewCluster(t)
	o := quiet(Options{Monitors: c.Monitors()})
	must(t, mustOpen(t, c.URLs(), o), of("ops", 0, "1"))
	c.Servers[0].Stop(t)
	j := mustOpen(t, c.URLs(), o)
	must(t, j, of("ops", 1, "2"))
	wantLog(t, j, "ops", "1", "2")
	c.Servers[1].Stop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if j, err := Open(ctx, c.URLs(), o); err == nil {
		j.Close()
		t.Error("a node has started without a quorum")
	}
}

// TestA3_ANodeStartsBeforeNATSHasALeader: what it asks before is asked again.
func TestA3_ANodeStartsBeforeNATSHasALeader(t *testing.T) {
	c := natstest.NewCluster(t)
	for _, s := range c.Servers[:2] {
		s.Stop(t)
	}
	opened := make(chan error, 1)
	go func() {
		j, err := Open(t.Context(), c.Servers[2].URL(), quiet(Options{SyncAlways: true}))
		if err == nil {
			err = j.Close()
		}
		opened <- err
	}()
	until(t, "the node has asked", func() bool {
		var clients struct{ Connections int }
		c.Servers[2].Ask(t, "/varz", &clients)
		return clients.Connections > 0
	})
	for _, s := range c.Servers[:2] {
		s.Start(t)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestOldServersAreRefused(t *testing.T) {
	for version, ok := range map[string]bool{
		"2.15.0": true, "2.15.2": true, "2.20.1-beta": true, "3.0.0": true,
		"2.14.9": false, "2.9.0": false, "1.99.0": false, "": false, "two": false,
	} {
		if err := checkServer(version, minPayload); (err == nil) != ok {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

// admin is a plain connection, as an operator has one.
func admin(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestStreamsOfOthersAreLeftAlone(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	js := admin(t, s.url())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "dashwire", Subjects: []string{"orders.>"}}); err != nil {
		t.Fatal(err)
	}
	if j, err := Open(t.Context(), s.url(), single()); err == nil || !strings.Contains(err.Error(), "not made by Dashwire") {
		if err == nil {
			j.Close()
		}
		t.Errorf("got %v", err)
	}
}

func TestA2_SettingsThatLoseMessagesAreMended(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	j := mustOpen(t, s.url(), single())
	must(t, j, of("ops", 0, "1"))
	j.Close()
	js := admin(t, s.url())
	stream, err := js.Stream(t.Context(), "dashwire")
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxAge, cfg.MaxMsgs, cfg.Discard = time.Hour, 1000, jetstream.DiscardOld
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, s.url(), single())
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := info.Config; c.MaxAge != 0 || c.MaxMsgs != -1 || c.Discard != jetstream.DiscardNew {
		t.Errorf("the stream has max age %s, %d messages at most, discards %s", c.MaxAge, c.MaxMsgs, c.Discard)
	}
	wantLog(t, j, "ops", "1")
}

// TestR7_AStreamMadeAnewIsNotServed: a log that is gone is an error, not an empty one.
func TestR7_AStreamMadeAnewIsNotServed(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	o := single()
	o.tune.patience = 200 * time.Millisecond
	old := mustOpen(t, s.url(), o)
	must(t, old, of("ops", 0, "1"))
	js := admin(t, s.url())
	if err := js.DeleteStream(t.Context(), "dashwire"); err != nil {
		t.Fatal(err)
	}
	if head, _, err := old.Head(t.Context(), "ops"); err == nil {
		t.Errorf("head of a deleted stream is %d without an error", head)
	}
	fresh := mustOpen(t, s.url(), single())
	if fresh.Generation() == old.Generation() {
		t.Fatal("two streams have the same generation")
	}
	must(t, fresh, of("ops", 0, "other"))
	if _, err := old.Append(t.Context(), of("ops", 1, "2")); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("append: got %v, want ErrUnavailable", err)
	}
	old.suspect()
	<-old.whole.Done()
	for range 2 {
		if _, err := old.Append(t.Context(), of("ops", 1, "2")); !errors.Is(err, ErrRecreated) || !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("append: got %v, want ErrRecreated", err)
		}
	}
	if _, _, err := old.Head(t.Context(), "ops"); !errors.Is(err, ErrRecreated) {
		t.Errorf("head: got %v, want ErrRecreated", err)
	}
	if err := old.Follow(t.Context(), func(journal.Delivery) {}); !errors.Is(err, ErrRecreated) {
		t.Errorf("follow: got %v, want ErrRecreated", err)
	}
	wantLog(t, fresh, "ops", "other")
	if err := fresh.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 1, Data: []byte("s")}); err != nil {
		t.Fatal(err) // the stream of snapshots has gone over to the new generation
	}
}
