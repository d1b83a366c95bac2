package httpapi

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/webhook"
	"github.com/dashwire/dashwire/webhook/sqlitestore"
)

// storeOnly is the Webhooks of a target "a" over a real store, without the sending.
type storeOnly struct {
	*sqlitestore.Store
	away    bool
	enabled int
}

func (s *storeOnly) know(target string) error {
	switch {
	case s.away:
		return errors.New("disk /secret/path is full")
	case target != "a":
		return webhook.ErrNoTarget
	}
	return nil
}

func (s *storeOnly) States(ctx context.Context) ([]webhook.State, error) {
	n, err := s.CountDead(ctx, "a")
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	state := webhook.State{
		Name: "a", Host: "https://hooks.example.com", Events: []webhook.EventType{webhook.Committed}, Status: "failing",
		Behind: 2, Oldest: at, LastSuccess: at, LastFailure: at, LastStatus: 500, LastError: "the receiver answered 500", Sent: 7, Dead: n,
	}
	return []webhook.State{state}, errors.Join(err, s.know("a"))
}

func (s *storeOnly) Enable(_ context.Context, target string) error {
	s.enabled++
	return s.know(target)
}

func (s *storeOnly) Dead(ctx context.Context, target string, after int64, limit int) ([]webhook.DeadLetter, error) {
	if err := s.know(target); err != nil {
		return nil, err
	}
	return s.Store.Dead(ctx, target, after, limit)
}

func (s *storeOnly) DeadLetter(ctx context.Context, target, id string) (webhook.DeadLetter, bool, error) {
	if err := s.know(target); err != nil {
		return webhook.DeadLetter{}, false, err
	}
	return s.Store.DeadLetter(ctx, target, id)
}

func (s *storeOnly) RetryDead(ctx context.Context, target, id string) (int, error) {
	if err := s.know(target); err != nil {
		return 0, err
	}
	return s.RequestRetry(ctx, target, id)
}

func (s *storeOnly) DropDead(ctx context.Context, target, id string) (bool, error) {
	if err := s.know(target); err != nil {
		return false, err
	}
	return s.DeleteDead(ctx, target, id)
}

// someWebhooks has the dead letters msg_1 to msg_3.
func someWebhooks(t *testing.T) *storeOnly {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "webhooks.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
		err := store.Save(t.Context(), nil, []webhook.DeadLetter{{
			Target: "a", ID: id, Type: webhook.Committed, DashboardID: "ops", Epoch: "e", After: 1, Version: 2,
			Attempts: 3, FirstAttempt: at, LastAttempt: at, Status: 500, Error: "the receiver answered 500", Body: []byte(`{"type":"x"}`),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return &storeOnly{Store: store}
}

func TestH4_Webhooks(t *testing.T) {
	hooks := someWebhooks(t)
	n := start(t, func(c *Config) {
		signedIn(c)
		c.Webhooks = hooks
	})
	op := as("op")
	if list := n.do("GET", "/api/admin/webhooks", "", op).want(200); !strings.Contains(string(list.Body), `"status":"failing"`) {
		t.Errorf("%s", list.Body)
	}
	n.do("POST", "/api/admin/webhooks/a/enable", "", op).want(204)
	if hooks.enabled != 1 {
		t.Error("it was not enabled")
	}
	page := n.do("GET", "/api/admin/webhooks/a/dead?limit=2", "", op).want(200)
	page.has("2", "next")
	if strings.Contains(string(page.Body), `"body"`) {
		t.Error("a list has bodies")
	}
	rest := n.do("GET", "/api/admin/webhooks/a/dead?limit=2&after=2", "", op).want(200)
	rest.has("null", "next")
	if text := string(rest.Body); !strings.Contains(text, "msg_3") || strings.Contains(text, "msg_2") {
		t.Errorf("the second page is %s", text)
	}
	n.do("GET", "/api/admin/webhooks/a/dead/msg_2", "", op).want(200).has(`"x"`, "body", "type")
	n.do("POST", "/api/admin/webhooks/a/dead/msg_2/retry", "", op).want(202).has("1", "messages")
	n.do("GET", "/api/admin/webhooks/a/dead/msg_2", "", op).want(200).has("true", "requested")
	n.do("POST", "/api/admin/webhooks/a/dead/retry", "", op).want(202).has("3", "messages")
	n.do("DELETE", "/api/admin/webhooks/a/dead/msg_2", "", op).want(204)
	for _, x := range [][2]string{
		{"GET", "/api/admin/webhooks/a/dead/msg_2"},
		{"DELETE", "/api/admin/webhooks/a/dead/msg_2"},
		{"POST", "/api/admin/webhooks/a/dead/msg_2/retry"},
		{"GET", "/api/admin/webhooks/b/dead"},
		{"POST", "/api/admin/webhooks/b/enable"},
		{"POST", "/api/admin/webhooks/b/dead/retry"},
	} {
		n.do(x[0], x[1], "", op).refused(404, board.CodeNotFound)
		n.do(x[0], x[1], "", as("ana")).refused(403, board.CodeForbidden)
		n.do(x[0], x[1], "").refused(401, board.CodeUnauthenticated)
	}
	hooks.away = true
	got := n.do("GET", "/api/admin/webhooks", "", op).refused(503, board.CodeUnavailable)
	if strings.Contains(string(got.Body), "secret") {
		t.Errorf("the answer tells too much: %s", got.Body)
	}
}

func TestH4_WithoutWebhooksThereAreNoTargets(t *testing.T) {
	n := start(t, nil)
	n.do("GET", "/api/admin/webhooks", "").want(200).has("[]", "targets")
	n.do("GET", "/api/admin/webhooks/a/dead", "").refused(404, board.CodeNotFound)
}
