package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/webhook"
	"github.com/dashwire/dashwire/webhook/sqlitestore"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

const theSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// tb is what tests and random tests have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func key(t tb) webhook.Secret {
	s, err := webhook.ParseSecret(theSecret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entry is what receivers look at.
type entry struct {
	ID      string `json:"id"`
	Payload struct {
		Epoch   string `json:"epoch"`
		Version uint64 `json:"version"`
	} `json:"payload"`
}

// delivery is one message as it arrived.
type delivery struct {
	id   string
	Type webhook.EventType `json:"type"`
	Data struct {
		DashboardID    string  `json:"dashboardId"`
		Epoch          string  `json:"epoch"`
		After, Version uint64  `json:"-"`
		Entries        []entry `json:"entries"`
		Reason         string  `json:"reason"`
		Last, Next     *struct {
			Epoch   string `json:"epoch"`
			Version uint64 `json:"version"`
		}
		UserID string `json:"userId"`
		Code   int    `json:"code"`
	} `json:"data"`
}

// receiver takes messages and answers as it is told.
type receiver struct {
	t   tb
	srv *httptest.Server
	key webhook.Secret

	mu     sync.Mutex
	answer func(delivery) int // status; 0 = the connection is closed without one
	taken  []delivery         // answered 200
	tried  int
	change chan struct{} // closed with each message
}

func receive(t tb) *receiver {
	r := &receiver{t: t, key: key(t), change: make(chan struct{})}
	r.srv = httptest.NewServer(r)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // cut by the end of the server
	}
	d := delivery{id: q.Header.Get("Webhook-Id")}
	var at int64
	_, _ = fmt.Sscan(q.Header.Get("Webhook-Timestamp"), &at)
	if want := r.key.Sign(d.id, time.Unix(at, 0), body); !slices.Contains(strings.Fields(q.Header.Get("Webhook-Signature")), want) {
		r.t.Errorf("the signature of %s is wrong", d.id)
	}
	if err := json.Unmarshal(body, &d); err != nil {
		r.t.Errorf("%v in %s", err, body)
	}
	r.mu.Lock()
	status := http.StatusOK
	if r.answer != nil {
		answer := r.answer
		r.mu.Unlock()
		status = answer(d)
		r.mu.Lock()
	}
	r.tried++
	if status == http.StatusOK {
		r.taken = append(r.taken, d)
	}
	close(r.change)
	r.change = make(chan struct{})
	r.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

func (r *receiver) answers(f func(delivery) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// always answers with one status.
func always(status int) func(delivery) int { return func(delivery) int { return status } }

// until waits until ok holds of what was taken.
func (r *receiver) until(what string, ok func(taken []delivery) bool) []delivery {
	r.t.Helper()
	over := time.After(patience)
	for {
		r.mu.Lock()
		taken, change := slices.Clone(r.taken), r.change
		r.mu.Unlock()
		if ok(taken) {
			return taken
		}
		select {
		case <-change:
		case <-over:
			r.t.Fatalf("waited in vain for %s; taken: %+v", what, taken)
		}
	}
}

// attempts waits for a number of requests, taken or not.
func (r *receiver) attempts(n int) {
	r.t.Helper()
	r.until(fmt.Sprint(n, " attempts"), func([]delivery) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.tried >= n
	})
}

// ops are the op ids of a dashboard that were taken, in order, repetitions left out.
func ops(taken []delivery, dashboard string) (ids []string) {
	for _, d := range taken {
		if d.Data.DashboardID != dashboard {
			continue
		}
		for _, e := range d.Data.Entries {
			if !slices.Contains(ids, e.ID) {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids
}

// hears waits until a dashboard's ops have arrived, all and in order.
func (r *receiver) hears(dashboard string, want ...string) []delivery {
	r.t.Helper()
	return r.until(fmt.Sprint(want, " of ", dashboard), func(taken []delivery) bool { return slices.Equal(ops(taken, dashboard), want) })
}

// target sends to the receiver, quick to try again.
func (r *receiver) target(name string) webhook.Target {
	return webhook.Target{
		Name: name, URL: r.srv.URL + "/hook", Secrets: []webhook.Secret{key(r.t)},
		Allow:      []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		RetryFirst: time.Millisecond, RetryLongest: 20 * time.Millisecond,
	}
}

// world is a server with its files. It can be stopped and started again.
type world struct {
	t   tb
	dir string
	// wrap, if not nil, stands between the server and its journal.
	wrap func(journal.Journal) journal.Journal
	log  *slog.Logger

	srv     *dashwire.Server
	journal *sqlitejournal.Journal
	store   *sqlitestore.Store
	mortal  *mortal // the same
	hooks   observe.Hooks
	stop    func()
	n       int
}

func begin(t *testing.T, targets ...webhook.Target) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	w.start(targets...)
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) start(targets ...webhook.Target) {
	w.t.Helper()
	var err error
	if w.journal, err = sqlitejournal.Open(filepath.Join(w.dir, "dashwire.db"), sqlitejournal.Options{Logger: w.log}); err != nil {
		w.t.Fatal(err)
	}
	if w.store, err = sqlitestore.Open(context.Background(), filepath.Join(w.dir, "webhooks.db")); err != nil {
		w.t.Fatal(err)
	}
	cfg := dashwire.Config{Journal: w.journal, Drain: -1, Log: w.log, Hooks: w.hooks}
	if w.wrap != nil {
		cfg.Journal = w.wrap(w.journal)
	}
	if len(targets) > 0 {
		w.mortal = &mortal{Store: w.store}
		cfg.Webhooks = webhook.Config{Store: w.mortal, Targets: targets}
	}
	if w.srv, err = dashwire.New(cfg); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.srv.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, w.store.Close(), w.journal.Close()); err != nil {
			w.t.Errorf("stopping: %v", err)
		}
	})
}

// restart stops the server and starts it with other targets.
func (w *world) restart(targets ...webhook.Target) {
	w.t.Helper()
	w.stop()
	w.start(targets...)
}

// edit commits an entry and returns its op id.
func (w *world) edit(dashboard string) string {
	w.t.Helper()
	w.n++
	id := fmt.Sprintf("op-%d", w.n)
	m := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":%q,"widgetId":%q,"create":true,"set":{"/title":%q}}}`, id, dashboard, "w-"+id, id)
	if _, err := w.srv.Submit(context.Background(), dashwire.App("tester"), []byte(m)); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// noted waits until the server knows that a target has taken messages: one that stops
// before it has read their answers sends them again.
func (w *world) noted(target string, taken []delivery) {
	w.t.Helper()
	w.state(target, "the answers were read", func(s webhook.State) bool { return s.Sent >= uint64(len(taken)) })
}

// state waits until a target's state is as wanted.
func (w *world) state(target, what string, ok func(webhook.State) bool) webhook.State {
	w.t.Helper()
	over := time.Now().Add(patience)
	for {
		all, err := w.srv.Webhooks(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(s webhook.State) bool { return s.Name == target })
		if ok(all[i]) {
			return all[i]
		}
		if time.Now().After(over) {
			w.t.Fatalf("waited in vain for %s: %+v", what, all[i])
		}
		wait := time.NewTimer(time.Millisecond)
		<-wait.C
	}
}

// clash makes a conflict that goes to a person.
func (w *world) clash(dashboard string) {
	w.t.Helper()
	w.n++
	first := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"set-%d","payload":{"dashboardId":%q,"widgetId":"w-op-1","set":{"/title":"%[1]d"},"clientId":"one","policy":"overwrite"}}`, w.n, dashboard)
	second := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"ask-%d","payload":{"dashboardId":%q,"widgetId":"w-op-1","baseVersion":1,"set":{"/title":"x%[1]d"},"clientId":"two","policy":"ask"}}`, w.n, dashboard)
	for i, m := range []string{first, second} {
		a, err := w.srv.Submit(context.Background(), dashwire.App("tester"), []byte(m))
		if err != nil || (i == 1) != (a.Conflict != nil) {
			w.t.Fatalf("%+v %v", a, err)
		}
	}
}

// remove deletes a dashboard and returns the id of that entry.
func (w *world) remove(dashboard string) string {
	w.t.Helper()
	w.n++
	id := fmt.Sprintf("op-%d", w.n)
	q := httptest.NewRequest(http.MethodDelete, "http://localhost/api/dashboards/"+dashboard, nil)
	q.RemoteAddr = "127.0.0.1:1"
	q.Header.Set("Idempotency-Key", id)
	a := httptest.NewRecorder()
	w.srv.ServeHTTP(a, q)
	if a.Code != http.StatusOK && a.Code != http.StatusNoContent {
		w.t.Fatalf("deleting %s: %d %s", dashboard, a.Code, a.Body)
	}
	return id
}
