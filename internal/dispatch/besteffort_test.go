package dispatch_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/webhook"
)

// TestBestEffort_SessionsAndConflicts has a real client connect, clash and leave.
func TestBestEffort_SessionsAndConflicts(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	target := r.target("a")
	target.Events = []webhook.EventType{webhook.Connected, webhook.Disconnected, webhook.Conflict}
	var mu sync.Mutex // several are under way at once
	tries := map[string]int{}
	r.answers(func(d delivery) int { // each at the second attempt
		mu.Lock()
		defer mu.Unlock()
		if tries[d.id]++; tries[d.id] == 1 {
			return 503
		}
		return 200
	})
	target.Secrets = append(target.Secrets, key(t))
	w := begin(t, target)
	web := httptest.NewServer(w.srv)
	defer web.Close()
	c, err := client.New(client.Options{URL: web.URL, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), client.Op{Type: client.WidgetUpdate, ID: "a-1", DashboardID: "ops", WidgetID: "cpu", Create: true, Set: map[string]any{"/title": "one"}}); err != nil {
		t.Fatal(err)
	}
	for _, edit := range []string{
		`{"type":"WIDGET_UPDATE","id":"b-1","payload":{"dashboardId":"ops","widgetId":"cpu","baseVersion":1,"set":{"/title":"two"}}}`,
		`{"type":"WIDGET_UPDATE","id":"c-1","payload":{"dashboardId":"ops","widgetId":"cpu","baseVersion":1,"set":{"/title":"three"},"policy":"ask","clientId":"other"}}`,
	} {
		if _, err := w.srv.Submit(context.Background(), dashwire.App("bo"), []byte(edit)); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	taken := r.until("three kinds of events", func(taken []delivery) bool {
		kinds := map[webhook.EventType]int{}
		for _, d := range taken {
			kinds[d.Type]++
		}
		return kinds[webhook.Connected] > 0 && kinds[webhook.Disconnected] > 0 && kinds[webhook.Conflict] > 0
	})
	ids := map[string]bool{}
	for _, d := range taken {
		if ids[d.id] {
			t.Errorf("%s was taken twice", d.id)
		}
		ids[d.id] = true
		switch d.Type {
		case webhook.Connected, webhook.Disconnected:
			if d.Data.UserID != "ana" || (d.Type == webhook.Disconnected) != (d.Data.Code > 0) {
				t.Errorf("%+v", d)
			}
		case webhook.Conflict:
			if d.Data.DashboardID != "ops" {
				t.Errorf("%+v", d)
			}
		default:
			t.Errorf("nobody asked for %s", d.Type)
		}
	}
	if len(ids) != 3 {
		t.Errorf("%d events: %+v", len(ids), taken)
	}
}

// TestBestEffort_IsBoundedAndDropsCount: what a broken target cannot be told is dropped,
// counted, and costs nobody anything.
func TestBestEffort_IsBoundedAndDropsCount(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	r.answers(always(http.StatusInternalServerError))
	target := r.target("a")
	target.Events = []webhook.EventType{webhook.Conflict}
	w := begin(t, target)
	w.edit("ops")
	const clashes = 1100
	for range clashes {
		w.clash("ops")
	}
	s := w.state("a", "dropped events", func(s webhook.State) bool { return s.Dropped >= clashes-1000 })
	if s.Sent > 0 || s.Behind > 0 || s.Dead > 0 {
		t.Errorf("%+v", s)
	}
}
