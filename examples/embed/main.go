// Command embed serves dashboards inside a program of its own: the interface below
// /api, the program's pages beside it, a note on a dashboard for each start, a rule of
// the program's own, and messages from the program to everybody who looks.
//
//	go run ./examples/embed
//	curl http://localhost:8080/api/dashboards/starts
//	curl -X PATCH http://localhost:8080/api/dashboards/starts/settings -d '{"title": ""}'
//	curl -X POST http://localhost:8080/announce -d 'lunch is ready'
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/metrics"
	"github.com/dashwire/dashwire/observe"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	data := flag.String("data", "embed.db", "the file that holds the dashboards")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ln, err := net.Listen("tcp", *listen)
	if err == nil {
		err = run(ctx, ln, *data)
	}
	if err != nil {
		slog.Error("embed", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, ln net.Listener, data string) (err error) {
	defer ln.Close()
	j, err := sqlitejournal.Open(data, sqlitejournal.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()

	hooks, scrape := metrics.New(metrics.Options{})
	hooks = observe.Join(hooks, observe.Hooks{Commit: func(e *board.Entry) {
		slog.Info("committed", "dashboard", e.DashboardID, "version", e.Version, "by", e.Author.UserID)
	}})
	srv, err := dashwire.New(dashwire.Config{Journal: j, Hooks: hooks, Metrics: scrape, Validate: titled})
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

	announce := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		n, err := srv.Broadcast("announcement", map[string]string{"text": string(text)}, "")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%d sessions have heard it\n", n)
	})
	mux.Handle("POST /announce", http.NewCrossOriginProtection().Handler(announce))

	ctx, end := context.WithCancel(ctx)
	defer end()
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- web.Serve(ln)
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

// titled is a rule of this program: a dashboard's title may not be made empty.
func titled(v dashwire.Validation) error {
	if v.Change == nil || v.Change.Settings == nil {
		return nil
	}
	for _, a := range v.Change.Settings.Set {
		if a.Path == "/title" && a.Value == `""` {
			return board.Errorf(board.CodeInvalid, "a dashboard needs a title").At("/title")
		}
	}
	return nil
}

// note makes a widget that says when the program was started.
func note(ctx context.Context, srv *dashwire.Server, now time.Time) error {
	message := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"start-%[1]d","payload":{"dashboardId":"starts",
		"widgetId":"start-%[1]d","create":true,"set":{"/type":"text","/title":"Started","/text":%[2]q}}}`,
		now.UnixNano(), now.UTC().Format(time.RFC3339))
	_, err := srv.Submit(ctx, dashwire.App("embed"), []byte(message))
	return err
}
