package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/words"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// targetFlags say where dashboards are: on a running server, or in a data file.
type targetFlags struct {
	Server string `placeholder:"URL" help:"a running server (default the one on this machine)"`
	Data   string `default:"./dashwire.db" help:"the data file itself, used if no server runs"`
	Token  string `placeholder:"TOKEN" help:"to sign in with, if the server asks"`
	// Listen is the setting of serve: where the server of this machine is.
	Listen string `hidden:"" default:"127.0.0.1:3000"`
}

// target answers requests to the REST interface: a server, or a data file that is
// served inside this process. One goroutine at a time uses it.
type target struct {
	base   *url.URL
	client *http.Client
	token  string
	name   string // for people
	close  func() error
}

// open finds the dashboards: where a flag on the command line says, else on the
// server of this machine, else in its data file.
func (f *targetFlags) open(ctx context.Context, cmd *kong.Context, write bool) (*target, error) {
	switch {
	case f.Server != "" && given(cmd, "data"):
		return nil, refuse("--server and --data name two places; pass one of them")
	case f.Server != "":
		return f.server(f.Server)
	case given(cmd, "data"):
		return f.file(ctx, write)
	}
	t, err := f.server("http://" + hereFrom(f.Listen))
	if err != nil {
		return nil, err
	}
	err = t.probe(ctx)
	if err == nil {
		return t, nil
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nil, err
	}
	if !write && !exists(f.Data) {
		return nil, refuse("no server runs on %s, and there is no data file %s: name one with --server or --data", t.base, f.Data)
	}
	return f.file(ctx, write)
}

// hereFrom is where a program on this machine reaches what listens on an address.
func hereFrom(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func (f *targetFlags) server(text string) (*target, error) {
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, refuse("--server: %q is no address of a server; write it like http://localhost:3000", text)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return &target{base: base, client: &http.Client{}, token: f.Token, name: base.String(), close: func() error { return nil }}, nil
}

// probe makes sure that it is Dashwire that answers.
func (t *target) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var hello struct {
		Protocol int `json:"protocol"`
	}
	if err := t.get(ctx, "/api/realtime", nil, &hello); err != nil {
		return err
	}
	if hello.Protocol == 0 {
		return refuse("what answers on %s is not Dashwire: name the server with --server, or the file with --data", t.base)
	}
	return nil
}

// file serves a data file to this process alone.
func (f *targetFlags) file(ctx context.Context, write bool) (*target, error) {
	log := slog.New(slog.DiscardHandler)
	var j interface {
		journal.Journal
		Close() error
	}
	var err error
	if write {
		j, err = sqlitejournal.Open(f.Data, sqlitejournal.Options{Logger: log})
	} else {
		j, err = sqlitejournal.OpenReadOnly(f.Data, sqlitejournal.Options{Logger: log})
	}
	if errors.Is(err, sqlitejournal.ErrInUse) {
		return nil, refuse("a server has %s open: go through it, with --server and its address", f.Data)
	}
	if err != nil {
		return nil, &notBegun{err}
	}
	srv, err := dashwire.New(dashwire.Config{Journal: j, Insecure: true, Drain: -1, Log: log})
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(running) }()
	return &target{
		base: &url.URL{Scheme: "http", Host: "localhost"}, client: &http.Client{Transport: inProcess{srv}}, name: f.Data,
		close: func() error {
			stop()
			return errors.Join(<-ended, j.Close())
		},
	}, nil
}

// url is the address of a path with a query.
func (t *target) url(path string, query url.Values) string {
	u := *t.base
	u.Path += path
	if query == nil {
		query = url.Values{}
	}
	if t.token == "" {
		if name := me(); name != "" {
			query.Set("userId", name) // counts where sign-in is off (C1)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// do sends a request and returns the answer's body, open; a refusal is an error.
func (t *target) do(ctx context.Context, method, path string, query url.Values, body []byte, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, t.url(path, query), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if t.token != "" {
		r.Header.Set("Authorization", "Bearer "+t.token)
	}
	res, err := t.client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the whole URL
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("no server listens on %s: start one there with dashwire serve, or name another with --server (%w)", t.name, err)
		}
		return nil, fmt.Errorf("%s does not answer: %w", t.name, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, t.refusal(res)
}

// problem is a refusal of the server (H5), harmless to a terminal.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Path   string `json:"path"`
}

func (p *problem) Error() string {
	if p.Path != "" {
		return fmt.Sprintf("%s (%s at %s)", p.Detail, p.Code, p.Path)
	}
	return fmt.Sprintf("%s (%s)", p.Detail, p.Code)
}

func (t *target) refusal(res *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", t.name, err)
	}
	var p problem
	if err := jsontext.Decode(data, &p); err != nil || p.Code == "" {
		return fmt.Errorf("%s answers %s: it seems not to be Dashwire", t.name, words.Printable(res.Status))
	}
	p.Code, p.Detail, p.Path = words.Printable(p.Code), words.Printable(p.Detail), words.Printable(p.Path)
	return &p
}

// get reads a JSON answer.
func (t *target) get(ctx context.Context, path string, query url.Values, into any) error {
	res, err := t.do(ctx, http.MethodGet, path, query, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", t.name, err)
	}
	if err := jsontext.Decode(data, into); err != nil {
		return refuse("what answers on %s is not Dashwire: name the server with --server, or the file with --data", t.name)
	}
	return nil
}

// listed is a dashboard in the list of them.
type listed struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Epoch   string    `json:"epoch"`
	Version uint64    `json:"version"`
	Deleted time.Time `json:"deleted"` // zero = it is there
}

// list is all dashboards that a query asks for.
func (t *target) list(ctx context.Context, query url.Values) ([]listed, error) {
	var all []listed
	query.Set("limit", "200")
	for {
		var page struct {
			Dashboards []listed `json:"dashboards"`
			Next       *string  `json:"next"`
		}
		if err := t.get(ctx, "/api/dashboards", query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Dashboards...)
		if page.Next == nil {
			return all, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// inProcess carries requests to a handler of this process.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RemoteAddr, in.Host, in.RequestURI = "127.0.0.1:0", r.URL.Host, r.URL.RequestURI()
	w := &memoryWriter{header: make(http.Header), status: http.StatusOK}
	t.handler.ServeHTTP(w, in)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// memoryWriter keeps an answer.
type memoryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *memoryWriter) Header() http.Header         { return w.header }
func (w *memoryWriter) WriteHeader(status int)      { w.status = status }
func (w *memoryWriter) Write(b []byte) (int, error) { return w.body.Write(b) }
