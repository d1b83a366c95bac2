package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
)

// Config is how messages are sent. The zero value works.
type Config struct {
	// Clock tells the time and waits between attempts; nil = the machine's.
	Clock clock.Clock
	// Allow are networks that may be reached although they are not public.
	Allow []netip.Prefix
	// AllowPlain lets targets be http:// beside https://.
	AllowPlain bool
	// Timeout bounds one attempt, from dialling to the last byte of the answer. 0 = 10 s.
	Timeout time.Duration
	// Delays are the times before each attempt after the first; nil = DefaultDelays.
	// Each is lengthened by up to a tenth of it, at random.
	Delays []time.Duration
	// Jitter gives a number from 0 up to 1; nil = none is added.
	Jitter func() float64
}

// DefaultDelays make ten attempts over some three days.
var DefaultDelays = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	maxAnswer  = 64 << 10 // bytes of an answer's body that are read
	maxHeaders = 16 << 10 // bytes of an answer's header
	maxDelay   = 24 * time.Hour
)

// Target is where messages go.
type Target struct {
	URL string
	// Secrets sign each message: one, or two while one takes the place of the other.
	Secrets []Secret
}

// Message is what is sent. It has the same id in each attempt, so that its receiver
// can pass over repetitions.
type Message struct {
	ID   string // 1 to 128 printable ASCII characters without space and dot
	Body []byte // JSON
}

// Sender sends messages. It may be used by any number of goroutines at once.
type Sender struct {
	cfg       Config
	transport *http.Transport
	client    *http.Client
}

// NewSender makes a sender.
func NewSender(cfg Config) *Sender {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Delays == nil {
		cfg.Delays = DefaultDelays
	}
	s := &Sender{cfg: cfg}
	dialer := &net.Dialer{Timeout: cfg.Timeout, Control: s.control}
	s.transport = &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: cfg.Timeout,
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
	}
	s.client = &http.Client{
		Transport:     s.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// Close ends what is left of connections.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Failure is why a message was not delivered.
type Failure struct {
	// Status is that of the answer, 0 if there was none.
	Status int
	// Final means that another attempt makes no sense.
	Final bool
	// RetryAfter is how long the receiver asks to be left alone, 0 if it does not.
	RetryAfter time.Duration
	Cause      error
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Status == 0 {
		return "webhook: " + f.Cause.Error()
	}
	return fmt.Sprintf("webhook: the receiver answered %d", f.Status)
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Check tells what is wrong with a target before anything is sent. What its name
// resolves to is seen only then.
func (s *Sender) Check(t Target) error {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return errors.New("webhook: the target is no URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !s.cfg.AllowPlain):
		return errors.New("webhook: the target must be an https:// URL")
	case u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "":
		return errors.New("webhook: the target needs a host, and has neither a user nor a fragment")
	case len(t.Secrets) == 0:
		return errors.New("webhook: the target has no secret to sign with")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !public(a) && !within(s.cfg.Allow, a.Unmap()) {
		return fmt.Errorf("webhook: %w", errForbidden{a})
	}
	return nil
}

// Send makes one attempt. Its error is a *[Failure].
func (s *Sender) Send(ctx context.Context, t Target, m Message) error {
	if err := s.Check(t); err != nil {
		return &Failure{Final: true, Cause: err}
	}
	if m.ID == "" || len(m.ID) > 128 || strings.ContainsFunc(m.ID, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' }) {
		return &Failure{Final: true, Cause: errors.New("the message id must be 1 to 128 printable ASCII characters without space and dot")}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(m.Body))
	if err != nil {
		return &Failure{Final: true, Cause: err}
	}
	now := s.cfg.Clock.Now()
	signatures := make([]string, len(t.Secrets))
	for i, secret := range t.Secrets {
		signatures[i] = secret.sign(m.ID, now, m.Body)
	}
	r.Header = http.Header{
		"Content-Type":      {"application/json"},
		"User-Agent":        {"Dashwire-Webhooks"},
		"Webhook-Id":        {m.ID},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {strings.Join(signatures, " ")},
	}
	res, err := s.client.Do(r)
	if err != nil {
		var url *url.Error // its text holds the whole address, which may be secret
		if errors.As(err, &url) {
			err = url.Err
		}
		return &Failure{Cause: err}
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // the status is the answer
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil
	}
	return &Failure{
		Status: res.StatusCode, Final: res.StatusCode == http.StatusGone,
		RetryAfter: retryAfter(res.Header.Get("Retry-After")),
	}
}

// retryAfter reads the header as a number of seconds; other forms count as none.
func retryAfter(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxDelay)
}

// Deliver makes attempts until one succeeds, the last has failed, or ctx ends. Its
// error is the *[Failure] of the last attempt, or the cause of ctx.
func (s *Sender) Deliver(ctx context.Context, t Target, m Message) error {
	for attempt := 0; ; attempt++ {
		err := s.Send(ctx, t, m)
		var f *Failure
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		if !errors.As(err, &f) || f.Final || attempt == len(s.cfg.Delays) {
			return err
		}
		if err := s.wait(ctx, max(s.delay(attempt), f.RetryAfter)); err != nil {
			return err
		}
	}
}

// delay is how long to wait after a number of failed attempts, counted from 0.
func (s *Sender) delay(attempt int) time.Duration {
	d := s.cfg.Delays[attempt]
	if s.cfg.Jitter != nil {
		d += time.Duration(s.cfg.Jitter() * float64(d) / 10)
	}
	return d
}

func (s *Sender) wait(ctx context.Context, d time.Duration) error {
	over := make(chan struct{})
	timer := s.cfg.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
