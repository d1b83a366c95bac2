// Command webhook-receiver takes the webhooks of a Dashwire server: it checks who sent
// each message and when, passes over what it has seen, and prints what was committed.
// It uses the standard library alone, so that it can be carried over to any language.
//
//	export HOOK_SECRET=$(go run ./cmd/dashwire webhooks --new-secret)
//	go run ./examples/webhook-receiver -listen 127.0.0.1:8090
//
//	printf 'targets: [{name: example, url: "http://127.0.0.1:8090/", secrets: [%s], allow-networks: [127.0.0.1]}]' $HOOK_SECRET > hooks.yaml
//	go run ./cmd/dashwire serve --webhooks hooks.yaml
//
// HOOK_SECRET may hold two secrets with a space between, while one takes the place of
// the other.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8090", "address and port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, os.Getenv("HOOK_SECRET"), os.Stdout); err != nil {
		slog.Error("webhook-receiver", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, secrets string, out io.Writer) error {
	check, err := newVerifier(strings.Fields(secrets), time.Now)
	if err != nil {
		return fmt.Errorf("HOOK_SECRET: %w", err)
	}
	srv := &http.Server{Addr: listen, Handler: &receiver{check: check, out: out, told: make(map[string]uint64)}, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// maxMessage bounds what is read of a request: more than any message has.
const maxMessage = 16 << 20

// message is what this program looks at.
type message struct {
	Type string `json:"type"`
	Data struct {
		DashboardID string `json:"dashboardId"`
		Epoch       string `json:"epoch"`
		Reason      string `json:"reason"`
		Entries     []struct {
			Type    string `json:"type"`
			UserID  string `json:"userId"`
			Payload struct {
				Version uint64 `json:"version"`
			} `json:"payload"`
		} `json:"entries"`
	} `json:"data"`
}

// receiver is the handler. The server sends the messages of one dashboard one after the
// other, those of several at once; this one prints them under the lock of check.
type receiver struct {
	check *verifier
	out   io.Writer
	// told is the newest version printed of each dashboard and epoch, guarded by check.
	// A program that must not forget it keeps it where it keeps what it does.
	told map[string]uint64
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxMessage))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	switch err := r.check.once(q.Header, body, func() error { return r.take(body) }); {
	case errors.Is(err, errForged):
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest) // it comes again
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// take does the work of a message.
func (r *receiver) take(body []byte) error {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("the body is no message: %w", err)
	}
	switch m.Type {
	case "dashboard.committed":
		log := m.Data.DashboardID + " " + m.Data.Epoch
		for _, e := range m.Data.Entries {
			if e.Payload.Version <= r.told[log] {
				continue // told before, in a message that was cut differently
			}
			r.told[log] = e.Payload.Version
			fmt.Fprintf(r.out, "%s version %d: %s by %s\n", m.Data.DashboardID, e.Payload.Version, e.Type, e.UserID)
		}
	case "dashboard.gap":
		fmt.Fprintf(r.out, "%s: something is missing (%s), read it anew\n", m.Data.DashboardID, m.Data.Reason)
	default:
		fmt.Fprintf(r.out, "%s\n", m.Type)
	}
	return nil
}
