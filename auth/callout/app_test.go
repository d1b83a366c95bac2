package callout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// script is an app in memory, for tests in virtual time.
type script struct {
	mu    sync.Mutex
	role  string // "" = it fails
	age   float64
	delay time.Duration
	asked map[string]int // by dashboard
	most  int            // at the same time
	now   int
}

func (s *script) set(role string) { s.change(func() { s.role = role }) }

func (s *script) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *script) count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[id]
}

// RoundTrip implements http.RoundTripper.
func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	var q question
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.asked == nil {
		s.asked = make(map[string]int)
	}
	s.asked[q.DashboardID]++
	s.now++
	s.most = max(s.most, s.now)
	role, age, delay := s.role, s.age, s.delay
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if role == "" {
		return nil, errors.New("connection refused")
	}
	body := fmt.Sprintf(`{"role":%q,"maxAgeSeconds":%g}`, role, age)
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// scripted runs a test in virtual time, with an app whose answers count for ten seconds.
func scripted(t *testing.T, change func(*Config), f func(t *testing.T, a *Authorizer, app *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{role: "editor", age: 10, delay: 5 * time.Millisecond}
		cfg := Config{URL: "http://127.0.0.1:1", Transport: s, Log: slog.New(slog.DiscardHandler)}
		if change != nil {
			change(&cfg)
		}
		a, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		f(t, a, s)
	})
}

func (a *Authorizer) wants(t *testing.T, id string, want auth.Role) {
	t.Helper()
	if role, err := a.Role(t.Context(), ana, id); role != want || err != nil {
		t.Fatalf("%v %v, want %v", role, err, want)
	}
}

func (a *Authorizer) unknown(t *testing.T, id string) {
	t.Helper()
	if role, err := a.Role(t.Context(), ana, id); role != auth.None || err == nil {
		t.Fatalf("%v %v, want an error", role, err)
	}
}

// after lets the bubble's time pass and everybody come to rest.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
