// Command embed serves dashboards inside a program of its own: the interface below
// /api, the program's pages beside it, and a note on a dashboard for each start.
//
//	go run ./examples/embed
//	curl http://localhost:8080/api/dashboards/starts
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/metrics"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	data := flag.String("data", "embed.db", "the file that holds the dashboards")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *data); err != nil {
		slog.Error("embed", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, data string) (err error) {
	j, err := sqlitejournal.Open(data, sqlitejournal.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()

	hooks, scrape := metrics.New(metrics.Options{})
	srv, err := dashwire.New(dashwire.Config{Journal: j, Hooks: hooks, Metrics: scrape})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/api/", "/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, srv)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		_, version, err := srv.Document(r.Context(), "starts")
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "The dashboard is at version %d; see /api/dashboards/starts\n", version)
	})

	ctx, end := context.WithCancel(ctx)
	defer end()
	web := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- web.ListenAndServe()
		end()
	}()
	ran := make(chan error, 1)
	go func() { ran <- srv.Run(ctx) }()

	err = note(ctx, srv, time.Now())
	if err != nil {
		end()
	}
	err = errors.Join(err, <-ran)
	closing, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	err = errors.Join(err, web.Shutdown(closing))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// note makes a widget that says when the program was started.
func note(ctx context.Context, srv *dashwire.Server, now time.Time) error {
	message := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"start-%[1]d","payload":{"dashboardId":"starts",
		"widgetId":"start-%[1]d","create":true,"set":{"/type":"text","/title":"Started","/text":%[2]q}}}`,
		now.UnixNano(), now.UTC().Format(time.RFC3339))
	_, err := srv.Submit(ctx, dashwire.App("embed"), []byte(message))
	return err
}
