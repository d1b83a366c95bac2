package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dashwire/dashwire/board"
)

// EventType is the member type of a message.
type EventType string

// The events. Committed comes at least once for each entry of a log, in order for each
// dashboard; Gap comes with it, where a part of a log cannot be told. The others are told
// if they can be.
const (
	Committed    EventType = "dashboard.committed"
	Gap          EventType = "dashboard.gap"
	Conflict     EventType = "conflict.detected"
	Connected    EventType = "session.connected"
	Disconnected EventType = "session.disconnected"
)

// MaxTargets is how many targets a server has at most.
const MaxTargets = 50

// Config is what a server sends, and to whom. The zero value sends nothing.
type Config struct {
	// Store remembers how far each target has been told. It must be set if there are
	// targets. The server does not close it, and no other may use it at the same time.
	Store Store
	// Targets get events. Their names are unique.
	Targets []Target
}

// Target is one receiver. Name, URL and Secrets must be set.
type Target struct {
	// Name is what the store and operators know the target by: an id (D2). Under another
	// name it is another target, which begins anew.
	Name string
	// URL is https://, or http:// if its address is in Allow.
	URL string
	// Secrets sign each message: one, or two while one takes the place of the other.
	Secrets []Secret
	// Events are the types that it gets; nil = Committed. Gap comes with Committed.
	Events []EventType
	// Dashboards are ids, or beginnings of ids with * behind; nil = all. They bound
	// Committed, Gap and Conflict.
	Dashboards []string
	// FromStart has a new target told of everything that the logs hold; false = of what
	// is committed from now on.
	FromStart bool
	// Allow are networks that may be reached although they are not public.
	Allow []netip.Prefix
	// Proxy is an HTTP proxy that all requests go through; nil = none. The proxy then
	// decides which addresses may be reached. Only https:// targets may have one.
	Proxy *url.URL

	// Timeout bounds one attempt, from dialling to the last byte of the answer. 0 = 10 s.
	Timeout time.Duration
	// RetryFirst is the time before a second attempt, doubled for each further one up to
	// RetryLongest. 0 = 5 s and 1 h.
	RetryFirst, RetryLongest time.Duration
	// GiveUp is how long after its first attempt a message becomes a dead letter. 0 = 24 h.
	GiveUp time.Duration
}

// Gets reports whether the target is told of a type of event.
func (t *Target) Gets(e EventType) bool {
	if len(t.Events) == 0 {
		return e == Committed || e == Gap
	}
	if e == Gap {
		e = Committed
	}
	return slices.Contains(t.Events, e)
}

// Wants reports whether the target is told of a dashboard.
func (t *Target) Wants(dashboardID string) bool {
	return len(t.Dashboards) == 0 || matches(t.Dashboards, dashboardID)
}

func matches(patterns []string, id string) bool {
	for _, p := range patterns {
		if prefix, open := strings.CutSuffix(p, "*"); open && strings.HasPrefix(id, prefix) || p == id {
			return true
		}
	}
	return false
}

// Validate tells everything that is wrong with a configuration. Errors hold neither
// secrets nor the whole of a URL.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Targets) > 0 && c.Store == nil {
		errs = append(errs, errors.New("there are targets and no Store: open one with sqlitestore.Open"))
	}
	if len(c.Targets) > MaxTargets {
		errs = append(errs, fmt.Errorf("there are %d targets; %d is the most", len(c.Targets), MaxTargets))
	}
	seen := make(map[string]bool)
	for i := range c.Targets {
		t := &c.Targets[i]
		if seen[t.Name] {
			errs = append(errs, fmt.Errorf("two targets are called %q", t.Name))
		}
		seen[t.Name] = true
		if err := t.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("target %q: %w", t.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Validate tells what is wrong with a target.
func (t *Target) Validate() error {
	if board.CheckID("target", t.Name) != nil {
		return fmt.Errorf("its name must be 1 to %d characters of A–Z a–z 0–9 . _ : -", board.MaxID)
	}
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return errors.New("its url cannot be read as one")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("its url must begin with https://")
	case u.Scheme == "http" && len(t.Allow) == 0:
		return errors.New("its url is http://, which is for networks that are allowed by name alone: use https://, or allow its network")
	case u.Scheme == "http" && t.Proxy != nil:
		return errors.New("its url is http://, which does not go through a proxy: use https://")
	case u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "":
		return errors.New("its url needs a host, and has neither a user nor a fragment")
	case len(t.Secrets) == 0 || len(t.Secrets) > 2:
		return fmt.Errorf("it has %d secrets: give it one, or two while one takes the place of the other", len(t.Secrets))
	case t.Proxy != nil && (t.Proxy.Scheme != "http" && t.Proxy.Scheme != "https" || t.Proxy.Host == ""):
		return errors.New("its proxy must be a URL like http://proxy.example.com:3128")
	}
	for _, s := range t.Secrets {
		if len(s.key) == 0 {
			return errors.New("a secret is empty: make one with ParseSecret")
		}
	}
	for _, e := range t.Events {
		switch e {
		case Committed, Conflict, Connected, Disconnected:
		default:
			return fmt.Errorf("there is no event %q: use %s, %s, %s or %s", e, Committed, Conflict, Connected, Disconnected)
		}
	}
	for _, p := range t.Dashboards {
		prefix, open := strings.CutSuffix(p, "*")
		if open {
			prefix += "x" // a beginning may end anywhere
		}
		if board.CheckID("dashboard", prefix) != nil {
			return fmt.Errorf("%q names no dashboards: write an id, or the beginning of ids and * behind it", p)
		}
	}
	for name, d := range map[string]time.Duration{
		"Timeout": t.Timeout, "RetryFirst": t.RetryFirst, "RetryLongest": t.RetryLongest, "GiveUp": t.GiveUp,
	} {
		if d < 0 {
			return fmt.Errorf("%s is %s; it must not be negative", name, d)
		}
	}
	if t.WithDefaults().RetryFirst > t.WithDefaults().RetryLongest {
		return errors.New("RetryFirst is above RetryLongest")
	}
	return nil
}

// WithDefaults gives the target with its times set.
func (t Target) WithDefaults() Target {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Timeout, 10 * time.Second},
		{&t.RetryFirst, 5 * time.Second},
		{&t.RetryLongest, time.Hour},
		{&t.GiveUp, 24 * time.Hour},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return t
}
