// Command push streams a value into a dashboard, as a probe or a job started by cron
// would: it makes the widget if it is not there, sends one point a second, and comes
// back by itself when the server was away.
//
//	go run ./cmd/dashwire serve
//	go run ./examples/push -dashboard ops -widget heap
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

func main() {
	server := flag.String("server", "http://localhost:3000", "address of the server")
	token := flag.String("token", "", "to sign in with, if the server asks")
	dashboard := flag.String("dashboard", "ops", "the dashboard's id")
	widget := flag.String("widget", "heap", "the widget's id")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *server, *token, *dashboard, *widget, time.Second); err != nil && ctx.Err() == nil {
		slog.Error("push", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, server, token, dashboard, widget string, every time.Duration) error {
	c, err := client.Dial(ctx, client.Options{
		URL: server, Token: token, UserID: "push",
		OnEvent: func(e client.Event) {
			switch {
			case e.Refused != nil:
				slog.Warn("refused", "err", e.Refused)
			case e.Err != nil && e.State != client.Closed:
				slog.Info(string(e.State), "err", e.Err)
			}
		},
	})
	if err != nil {
		return err
	}
	defer c.Close()

	_, err = c.Do(ctx, client.Op{
		Type: client.WidgetUpdate, DashboardID: dashboard, WidgetID: widget, Create: true,
		Set: map[string]any{"/type": "timeseries", "/title": "Heap of push"},
	})
	var refusal *board.Error
	if err != nil && (!errors.As(err, &refusal) || refusal.Code != board.CodeExists) {
		return err
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			err := c.SendData(ctx, dashboard, client.Value{
				WidgetID: widget, Data: client.JSON([][2]int64{{now.UnixMilli(), heap()}}), Append: true, Window: 300,
			})
			if err != nil && !errors.Is(err, client.ErrOffline) {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// heap is how many bytes this program has allocated and not freed.
func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
