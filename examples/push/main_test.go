package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestPush(t *testing.T) {
	srv, err := dashwire.New(dashwire.Config{Journal: memjournal.New(memjournal.Options{}), Drain: -1})
	if err != nil {
		t.Fatal(err)
	}
	serving, stopServer := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Run(serving) }()
	ts := httptest.NewServer(srv)
	defer ts.Close()

	values := make(chan client.Value, 100)
	c, err := client.Dial(t.Context(), client.Options{URL: ts.URL})
	if err != nil {
		t.Fatal(err)
	}
	ops, err := c.Subscribe(t.Context(), "ops", client.Follow{OnData: func(all []client.Value) {
		for _, v := range all {
			select {
			case values <- v:
			default:
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	// Twice: the second time the widget is there already.
	for range 2 {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, ts.URL, "", "ops", "heap", time.Millisecond) }()
		select {
		case v := <-values:
			if v.WidgetID != "heap" || v.Data.Kind() != '[' {
				t.Errorf("a value of %s: %s", v.WidgetID, v.Data)
			}
		case err := <-ended:
			t.Fatalf("ended: %v", err)
		case <-time.After(time.Minute):
			t.Fatal("no value came")
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if _, ok := ops.View().Document.Widgets["heap"]; !ok {
		t.Error("there is no widget for the values")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	stopServer()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
