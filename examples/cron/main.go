// Command cron runs a command, as a line of a crontab does, and shows on a dashboard
// how it went. It speaks plain REST, which every language can.
//
//	go run ./cmd/dashwire serve
//	go run ./examples/cron -dashboard jobs -widget backup -- tar -cf /backup/home.tar /home
//
// The widget is an edit: it is stored, has an id, and may be sent again when the
// answer was lost. How long the job took is a live value: the chart shows the last of
// them, and nothing is stored.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var job job
	flag.StringVar(&job.server, "server", "http://localhost:3000", "address of the server")
	flag.StringVar(&job.token, "token", os.Getenv("DASHWIRE_TOKEN"), "to sign in with, if the server asks")
	flag.StringVar(&job.dashboard, "dashboard", "jobs", "the dashboard's id")
	flag.StringVar(&job.widget, "widget", "job", "the widget's id")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := job.run(ctx, flag.Args()); err != nil {
		slog.Error("cron", "err", err)
		os.Exit(1)
	}
}

type job struct{ server, token, dashboard, widget string }

// run runs the command and tells how it went. Its error is that of the command, or
// that nobody could be told.
func (j *job) run(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("name the command to run after --")
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	failed := cmd.Run()
	took := time.Since(began)

	// Somebody who stops the job still wants to see that it was stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(failed, j.tell(ctx, began, took, failed))
}

func (j *job) tell(ctx context.Context, began time.Time, took time.Duration, failed error) error {
	how := "went well"
	if failed != nil {
		how = failed.Error()
	}
	widget := map[string]any{
		"type": "timeseries", "title": fmt.Sprintf("%s: %s", j.widget, how),
		"config": map[string]any{
			"unit": "duration", "min": 0, "series": []map[string]string{{"key": "took", "label": "took"}},
			"description": fmt.Sprintf("Last run %s, took %s.", began.Format(time.DateTime), took.Round(time.Millisecond)),
		},
	}
	path := "/api/dashboards/" + j.dashboard + "/widgets/" + j.widget
	if err := j.put(ctx, path, widget, rand.Text()); err != nil {
		return fmt.Errorf("telling how it went: %w", err)
	}
	point := map[string]any{"mode": "append", "window": 300, "data": [][]float64{{float64(began.UnixMilli()), took.Seconds()}}}
	if err := j.put(ctx, path+"/data", point, ""); err != nil {
		return fmt.Errorf("telling how long it took: %w", err)
	}
	return nil
}

// put sends a body, again and again while the server cannot be reached or says that it
// may: with the same id, so that it takes effect once.
func (j *job) put(ctx context.Context, path string, body any, id string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		again, err := j.once(ctx, path, text, id)
		if err == nil || !again {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

func (j *job) once(ctx context.Context, path string, body []byte, id string) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, j.server+path, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	if id != "" {
		r.Header.Set("Idempotency-Key", id)
	}
	if j.token != "" {
		r.Header.Set("Authorization", "Bearer "+j.token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	if res.StatusCode < 300 {
		return false, nil
	}
	problem, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return true, err
	}
	busy := res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500
	return busy, fmt.Errorf("%s: %s", res.Status, problem)
}
