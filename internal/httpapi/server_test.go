package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// serve runs a whole server on a file until the test ends, or stop is called.
func serve(t *testing.T, file string) (url string, stop func()) {
	t.Helper()
	j, err := sqlitejournal.Open(file, sqlitejournal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := dashwire.New(dashwire.Config{Journal: j, Drain: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	web := httptest.NewServer(server)
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		web.Close()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return web.URL, stop
}

// patch changes a widget over REST.
func patch(t *testing.T, url, key, base, body string) (status int, answer struct {
	Version uint64
	Status  any
	Code    string
},
) {
	t.Helper()
	r, err := http.NewRequest("PATCH", url+"/api/dashboards/ops/widgets/cpu?userId=ana", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Idempotency-Key", key)
	if base != "" {
		r.Header.Set("Dashwire-Base", base)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return resp.StatusCode, answer
}

func TestM8_BetweenWebSocketAndREST(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "log.db")
	url, stop := serve(t, file)
	c, err := client.Dial(ctx, client.Options{URL: url, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do := func(op client.Op) (uint64, error) {
		t.Helper()
		op.DashboardID, op.WidgetID, op.Type = "ops", "cpu", client.WidgetUpdate
		a, err := c.Do(ctx, op)
		if err != nil {
			return 0, err
		}
		if a.Ack == nil {
			t.Fatalf("answer %+v", a)
		}
		return a.Ack.Version, nil
	}
	if _, err := do(client.Op{ID: "make", Create: true, Set: map[string]any{"/title": "CPU"}}); err != nil {
		t.Fatal(err)
	}
	changes := map[string]any{"title": "a", "config": map[string]any{"unit": "%"}}
	first, err := do(client.Op{ID: "ws-first", Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	// Over REST, with other spacing and order of keys: the answer that it had.
	const same = `{ "title": "a", "config": {"unit": "%"} }`
	if status, a := patch(t, url, "ws-first", "", same); status != 200 || a.Version != first || a.Status != "applied" {
		t.Errorf("%d %+v, want version %d again", status, a, first)
	}
	if status, a := patch(t, url, "ws-first", "", `{"title":"b"}`); status != 409 || a.Code != "ID_REUSED" {
		t.Errorf("%d %+v", status, a)
	}
	// The other way round, on a version.
	status, a := patch(t, url, "rest-first", "2", `{"title":"c"}`)
	if status != 200 || a.Version != first+1 {
		t.Fatalf("%d %+v", status, a)
	}
	base := uint64(2)
	if v, err := do(client.Op{ID: "rest-first", Base: &base, Changes: map[string]any{"title": "c"}}); err != nil || v != first+1 {
		t.Errorf("version %d, %v", v, err)
	}
	var refused *board.Error
	if _, err := do(client.Op{ID: "rest-first", Changes: map[string]any{"title": "c"}}); !errors.As(err, &refused) || refused.Code != board.CodeIDReused {
		t.Errorf("without the base it is another op: %v", err)
	}
	_ = c.Close()
	stop()
	url, _ = serve(t, file)
	if status, a := patch(t, url, "ws-first", "", same); status != 200 || a.Version != first || a.Status != "applied" {
		t.Errorf("after a restart: %d %+v", status, a)
	}
}
