package client_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/client"
)

// BenchmarkDo is an op until its answer, from 64 callers at once on one connection, to
// a server in the same process that keeps its log in memory.
func BenchmarkDo(b *testing.B) {
	srv, err := dashwire.New(dashwire.Config{Journal: newJournal(), Drain: -1, MessagesPerSecond: 1 << 20, MessageBurst: 1 << 20, BytesPerSecond: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	web := httptest.NewServer(srv)
	c, err := client.Dial(ctx, client.Options{URL: web.URL})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 64 {
		op := client.Op{Type: client.WidgetUpdate, DashboardID: fmt.Sprintf("board-%d", i), WidgetID: "cpu", Create: true}
		if _, err := c.Do(ctx, op); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			op := client.Op{Type: client.WidgetUpdate, DashboardID: fmt.Sprintf("board-%d", i%64), WidgetID: "cpu", Set: map[string]any{"/n": i}}
			if _, err := c.Do(ctx, op); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	web.Close()
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
