package jwtauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// remote is the JWKS of an issuer. Whoever finds it missing or old fetches it; the
// others go on with the old keys, or wait if there are none.
type remote struct {
	url       string
	client    *http.Client
	now       func() time.Time
	log       *slog.Logger
	allowed   []string
	freshness time.Duration

	mu      sync.Mutex
	keys    keySet
	fetched time.Time     // when keys came, zero = never
	tried   time.Time     // when they were last asked for, zero = never
	flight  chan struct{} // closed when the fetch that runs has ended; nil = none runs
	failure error         // of the last fetch
}

const (
	// askAgain is the least time between two fetches once there are keys, firstAgain
	// while there are none.
	askAgain   = time.Minute
	firstAgain = 5 * time.Second
	// serveOn is how long keys count that cannot be fetched anew.
	serveOn = 24 * time.Hour
)

func newRemote(cfg *Config) *remote {
	transport := cfg.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = maxKeySet
		t.IdleConnTimeout = fetchWithin
		transport = t
	}
	return &remote{
		url: cfg.KeySetURL, now: cfg.Now, log: cfg.Log, allowed: cfg.Algorithms, freshness: cfg.RefreshEvery,
		client: &http.Client{
			Transport: transport, Timeout: fetchWithin,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("it redirects, which is not followed: name the address that it redirects to")
			},
		},
	}
}

// Fetch gets the keys of KeySetURL if there are none yet, so that the first sign-in need
// not wait and the log tells early what is wrong. The error says why there are none.
func (a *Authenticator) Fetch(ctx context.Context) error {
	if a.remote == nil {
		return nil
	}
	_, err := a.remote.find(ctx, "", "")
	return err
}

// find returns the keys for a header, fetching if they have to be. The error says that
// it cannot be found out at the moment.
func (r *remote) find(ctx context.Context, id, algorithm string) ([]any, error) {
	waits := false
	for {
		r.mu.Lock()
		now := r.now()
		fitting := r.keys.find(id, algorithm)
		age := now.Sub(r.fetched)
		usable := !r.fetched.IsZero() && age < serveOn
		wanted := !usable || age >= r.freshness || len(fitting) == 0
		switch flight := r.flight; {
		case !wanted, flight != nil && usable && len(fitting) > 0:
			r.mu.Unlock()
			return fitting, nil
		case !waits && (flight != nil || r.mayAskLocked(now, usable)):
			r.mu.Unlock()
			waits = true
			defer auth.Waiting(ctx)() // and then look again
		case flight != nil:
			r.mu.Unlock()
			select {
			case <-flight:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case r.mayAskLocked(now, usable):
			r.beginLocked(now)
			r.mu.Unlock()
			// Others wait for it, so it does not end with this caller.
			r.finish(r.fetch(context.WithoutCancel(ctx)))
		default:
			failure := r.failure
			r.mu.Unlock()
			if !usable {
				return nil, fmt.Errorf("there are no keys to check tokens with: %w", failure)
			}
			return fitting, nil
		}
	}
}

func (r *remote) mayAskLocked(now time.Time, usable bool) bool {
	pause := firstAgain
	if usable {
		pause = askAgain
	}
	since := now.Sub(r.tried)
	return r.tried.IsZero() || since >= pause || since < 0 // the clock may have been set back
}

func (r *remote) beginLocked(now time.Time) {
	r.tried, r.flight = now, make(chan struct{})
}

// finish takes what a fetch has brought.
func (r *remote) finish(keys keySet, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.flight)
	r.flight, r.failure = nil, err
	switch {
	case err != nil && r.fetched.IsZero():
		r.log.Warn("jwtauth: the JWKS cannot be fetched; nobody can sign in with its keys until it can", "err", err)
		return
	case err != nil:
		r.log.Warn("jwtauth: the JWKS cannot be fetched; the keys known so far serve on",
			"err", err, "keys", len(r.keys), "fetched", r.fetched)
		return
	}
	r.keys, r.fetched = keys, r.tried
}

// fetch asks the issuer for its keys.
func (r *remote) fetch(ctx context.Context) (keySet, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", r.url, response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", r.url, err)
	case len(data) > maxKeySet:
		return nil, fmt.Errorf("%s answers more than 64 KiB, so it is no JWKS", r.url)
	}
	list, err := split(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.url, err)
	}
	keys := r.usable(list)
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s shows no key that can be used", r.url)
	}
	return keys, nil
}

// usable leaves out keys for other purposes.
func (r *remote) usable(list []jsontext.RawValue) (keys keySet) {
	for _, text := range list[:min(len(list), maxKeys)] {
		m, err := parseJWK(text)
		if err != nil {
			r.log.Debug("jwtauth: a key of the JWKS is left out", "err", err)
			continue
		}
		f, err := open(m, false)
		if err == nil {
			var k key
			if k, err = fit(f, r.allowed); err == nil {
				keys = append(keys, k)
			}
		}
		if err != nil {
			r.log.Debug("jwtauth: a key of the JWKS is left out", "err", err)
		}
	}
	return keys
}
