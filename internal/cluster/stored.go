package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/bench"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/natsjournal"
)

const (
	// writers store dashboards at once, so that many are entered in the directory together.
	writers = 500
	// openers open them at once.
	openers = 16
	// calmWithin bounds the wait until nothing of them is in memory any more, and what the
	// process took for them was given back.
	calmWithin = 40 * time.Second
)

// measureStored: what dashboards take in memory, of a node and of NATS.
func measureStored(ctx context.Context, o *options, r *report) error {
	t := table{
		title: fmt.Sprintf("Memory for %s dashboards: resident MiB", short(float64(o.stored))),
		heads: []string{"", "the node", "NATS"},
	}
	a := arrangement{replicas: 1, nats: 1, nodes: 1, unsynced: true}
	err := o.with(ctx, a, func(ctx context.Context, s *servers) error {
		weigh := func(when string) error {
			node, err := s.nodes[0].memory()
			nats, err2 := s.nats[0].memory()
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			o.tell("%s: node %s MiB, NATS %s MiB", when, short(node), short(nats))
			t.rows = append(t.rows, []string{when, short(node), short(nats)})
			return nil
		}
		if err := weigh("none"); err != nil {
			return err
		}
		began := time.Now()
		if err := store(ctx, s.natsURL, o.stored); err != nil {
			return err
		}
		o.tell("stored within %.1f s", time.Since(began).Seconds())
		if err := weigh("stored"); err != nil {
			return err
		}
		began = time.Now()
		if err := openAll(ctx, s.urls[0], o.stored); err != nil {
			return err
		}
		o.tell("opened within %.1f s", time.Since(began).Seconds())
		if err := weigh("just after each was opened once"); err != nil {
			return err
		}
		if err := calm(ctx, s.urls[0]); err != nil {
			return err
		}
		return weigh("after they were let go of")
	})
	r.tables = append(r.tables, t)
	return err
}

func storedID(n int) string { return fmt.Sprintf("stored-%07d", n) }

// store makes dashboards of four widgets, straight through the journal.
func store(ctx context.Context, addresses string, n int) (err error) {
	j, err := natsjournal.Open(ctx, addresses, natsjournal.Options{Replicas: 1, Unsafe: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	return forEach(ctx, n, writers, func(ctx context.Context, i int) error {
		id := storedID(i)
		doc := &board.Document{Settings: board.Value(`{"title":"` + id + `"}`), Widgets: make(map[string]board.Value)}
		for w := range 4 {
			doc.Widgets["w"+strconv.Itoa(w)] = `{"config":{"unit":"short"},"title":"Widget","type":"stat"}`
		}
		d := board.NewState(id).Decide(&board.Op{
			Type: board.TypeReplace, ID: "start", DashboardID: id, Author: board.Author{UserID: "cluster", ClientID: "c"}, Document: doc, Create: true,
		}, board.Env{Now: time.Now(), NewEpoch: "stored"})
		if d.Entry == nil {
			return fmt.Errorf("%s was not made: %+v", id, d)
		}
		summary := fmt.Appendf(nil, `{"epoch":"stored","version":1,"widgets":4,"title":"%s"}`, id)
		_, err := j.Append(ctx, journal.Append{DashboardID: id, Records: [][]byte{board.EncodeRecord(d.Entry).Data}, Summary: summary})
		return err
	})
}

// openAll reads each dashboard once, which opens it.
func openAll(ctx context.Context, url string, n int) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: openers}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	return forEach(ctx, n, openers, func(ctx context.Context, i int) error {
		_, err := get(ctx, client, url+"/api/dashboards/"+storedID(i))
		return err
	})
}

// calm waits until no dashboard is open and memory has stopped shrinking.
func calm(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, calmWithin)
	defer cancel()
	var closed time.Time
	for {
		text, err := get(ctx, http.DefaultClient, url+"/metrics")
		if err != nil {
			return err
		}
		switch {
		case !strings.Contains(text, "\ndashwire_dashboards_open 0\n"):
			closed = time.Time{}
		case closed.IsZero():
			closed = time.Now()
		case time.Since(closed) > 21*time.Second: // it weighs its memory every 10 s
			return nil
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("the dashboards were not let go of within %s: %w", calmWithin, err)
		}
	}
}

// get reads a resource.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	res, err := bench.Patiently(ctx, func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		return client.Do(req)
	})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.300s", url, res.Status, body)
	}
	return string(body), err
}

// forEach does something for 0 to n-1, some at a time, until all are done or one fails.
func forEach(ctx context.Context, n, atOnce int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(atOnce, n) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
