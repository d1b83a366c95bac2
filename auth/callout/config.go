package callout

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
)

// Config is how the app is asked. URL must be set; nothing is changed after New.
type Config struct {
	// URL takes the questions: https, or http to this machine, unless Plain allows it
	// anywhere. Redirects are not followed.
	URL   string
	Plain bool
	// Prepare adds to a question what proves who asks: a bearer secret, or a signature
	// over the whole (see auth/httpsig). It is called for each question, by any number of
	// goroutines at once, and its error is that of the question. Nil adds nothing.
	Prepare func(r *http.Request) error
	// Timeout bounds one question, from when it is put to the last byte of its answer. 0 =
	// 2 s; at most 3 s, which leaves enough of the five seconds of P4.
	Timeout time.Duration
	// CacheFor is how long an answer counts that does not say so itself. 0 = 30 s. What
	// an answer says counts from 1 s to 1 h.
	CacheFor time.Duration
	// Grace is how long an answer still counts after its end while the app gives no new
	// one. 0 = not at all; at most 1 h.
	Grace time.Duration
	// MaxEntries bounds the answers that are kept. 0 = 100,000, some 300 bytes each. Those
	// of open subscriptions are kept in any case.
	MaxEntries int
	// MaxConns bounds the connections to the app, and with them the questions that are
	// asked at the same time. 0 = 64.
	MaxConns int
	// Transport carries the questions. Nil = one like http.DefaultTransport, without a
	// proxy.
	Transport http.RoundTripper
	// Clock tells the time; nil = the machine's.
	Clock clock.Clock
	// Log hears when the app stops answering, why, and when it does again. Nil =
	// slog.Default().
	Log *slog.Logger
}

const (
	// shortest and longest are the bounds of what an answer may say of itself.
	shortest = time.Second
	longest  = time.Hour
	// failedFor is how long a failure is the answer to the same question.
	failedFor = time.Second
	// settleWithin is how long open subscriptions go on after Forget without an answer:
	// within P4's five seconds.
	settleWithin = 2 * time.Second
	// maxAnswer is the size of the largest answer that is read, in bytes.
	maxAnswer = 16 << 10
)

// complete fills in defaults and tells what is wrong.
func (c *Config) complete() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch u, err := url.Parse(c.URL); {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Fragment != "":
		wrong("%q is no address of an app; write it like https://app.example.com/rights", redacted(c.URL))
	case u.User != nil:
		wrong("the address holds a user or a password: send the secret in a header instead")
	case u.Scheme == "http" && !c.Plain && !local(u.Hostname()):
		wrong("%q is not this machine, and whoever is on the way could answer: use https", redacted(c.URL))
	}
	within := func(name string, d *time.Duration, unset, least, most time.Duration) {
		if *d == 0 {
			*d = unset
		}
		if *d < least || *d > most {
			wrong("%s is %s; it is from %s to %s", name, *d, least, most)
		}
	}
	within("the timeout", &c.Timeout, 2*time.Second, 10*time.Millisecond, 3*time.Second)
	within("the time that answers count", &c.CacheFor, 30*time.Second, shortest, longest)
	within("the grace", &c.Grace, 0, 0, longest)
	for name, n := range map[string]*int{"the number of answers kept": &c.MaxEntries, "the number of connections": &c.MaxConns} {
		if *n < 0 {
			wrong("%s is %d; it must not be negative", name, *n)
		}
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = 100_000
	}
	if c.MaxConns == 0 {
		c.MaxConns = 64
	}
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.Proxy = nil // a question of rights takes no way that the environment names
		t.MaxConnsPerHost, t.MaxIdleConns, t.MaxIdleConnsPerHost = c.MaxConns, c.MaxConns, c.MaxConns
		t.MaxResponseHeaderBytes = maxAnswer
		c.Transport = t
	}
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return errors.Join(errs...)
}

// redacted is an address without what may be secret in it.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "what cannot be read"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
