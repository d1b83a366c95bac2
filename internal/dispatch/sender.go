package dispatch

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
	"github.com/dashwire/dashwire/webhook"
)

const (
	maxAnswer  = 64 << 10 // bytes of an answer's body that are read
	maxHeaders = 16 << 10 // bytes of an answer's header
	// maxAskedPause is the longest pause that a receiver can ask for.
	maxAskedPause = time.Hour
)

// message is one event as it is sent. It has the same id in each attempt, so that its
// receiver can pass over repetitions.
type message struct {
	id   string // 1 to 128 printable ASCII characters without space and dot
	body []byte // JSON
}

// sender sends messages to one target. Connections are its own: none that was allowed
// for one target is used for another. It may be used by several goroutines at once.
type sender struct {
	target    webhook.Target
	clock     clock.Clock
	plain     bool // http://
	transport *http.Transport
	client    *http.Client
}

// newSender makes the sender of a valid target with its times set.
func newSender(t webhook.Target, c clock.Clock) *sender {
	s := &sender{target: t, clock: c, plain: strings.HasPrefix(t.URL, "http://")}
	dialer := &net.Dialer{Timeout: t.Timeout, Control: s.control}
	s.transport = &http.Transport{
		TLSHandshakeTimeout: t.Timeout, MaxIdleConnsPerHost: laneJobs, IdleConnTimeout: 30 * time.Second,
		DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
	}
	if t.Proxy != nil {
		s.transport.Proxy = http.ProxyURL(t.Proxy)
		dialer.Control = nil // it is the proxy that is dialled, and it decides
	}
	s.transport.DialContext = dialer.DialContext
	s.client = &http.Client{
		Transport:     s.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// close ends the connections that nobody uses.
func (s *sender) close() { s.transport.CloseIdleConnections() }

// failure is why a message was not taken.
type failure struct {
	// status is that of the answer, 0 if there was none.
	status int
	// retryAfter is how long the receiver asks to be left alone, 0 if it does not.
	retryAfter time.Duration
	cause      error
}

// Error implements error.
func (f *failure) Error() string {
	if f.status == 0 {
		return f.cause.Error()
	}
	return fmt.Sprintf("the receiver answered %d %s", f.status, http.StatusText(f.status))
}

// Unwrap gives the cause.
func (f *failure) Unwrap() error { return f.cause }

// gone tells that the receiver wants no more messages at all.
func (f *failure) gone() bool { return f.status == http.StatusGone }

// ofTarget tells that it is the target that fails rather than the message: nothing
// answers, or it says that it cannot serve now.
func (f *failure) ofTarget() bool {
	return f.status == 0 || f.status >= 500 || f.status == http.StatusTooManyRequests || f.status == http.StatusRequestTimeout
}

// send makes one attempt. Its error is a *failure.
func (s *sender) send(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, s.target.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target.URL, bytes.NewReader(m.body))
	if err != nil {
		return &failure{cause: errors.New("the target's url cannot be read as one")}
	}
	if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
		if err := s.mayReach(a); err != nil {
			return &failure{cause: err}
		}
	}
	now := s.clock.Now()
	signatures := make([]string, len(s.target.Secrets))
	for i, secret := range s.target.Secrets {
		signatures[i] = secret.Sign(m.id, now, m.body)
	}
	r.Header = http.Header{
		"Content-Type":      {"application/json"},
		"User-Agent":        {"Dashwire-Webhooks"},
		"Webhook-Id":        {m.id},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {strings.Join(signatures, " ")},
	}
	res, err := s.client.Do(r)
	if err != nil {
		var url *url.Error // its text holds the whole address, which may be secret
		if errors.As(err, &url) {
			err = url.Err
		}
		return &failure{cause: err}
	}
	defer res.Body.Close()                                          // what is left of a longer answer ends with its connection
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // the status is the answer
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil
	}
	return &failure{status: res.StatusCode, retryAfter: retryAfter(res.Header.Get("Retry-After"), now)}
}

// retryAfter reads the header, a number of seconds or a date (RFC 9110, 10.2.3), within
// bounds; what is neither counts as none.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxAskedPause)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxAskedPause)
}
