package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/metrics"
	"github.com/dashwire/dashwire/webhook"
	"github.com/dashwire/dashwire/webhook/sqlitestore"
)

// webhookFlags say who is told of events.
type webhookFlags struct {
	Webhooks     string `hidden:"" placeholder:"FILE" help:"who is told of what is committed (docs/webhooks.md)"`
	WebhooksData string `hidden:"" placeholder:"FILE" help:"what webhooks must remember (default the data file's name and -webhooks)"`
}

// webhookFile is the file of targets, as YAML or JSON.
type webhookFile struct {
	Targets []webhookEntry `yaml:"targets"`
}

// webhookEntry is one target.
type webhookEntry struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
	// Secrets begin with whsec_; SecretFiles are files with one each.
	Secrets     []string `yaml:"secrets"`
	SecretFiles []string `yaml:"secret-files"`
	Events      []string `yaml:"events"`
	Dashboards  []string `yaml:"dashboards"`
	// From is now or start.
	From          string   `yaml:"from"`
	AllowNetworks []string `yaml:"allow-networks"`
	Proxy         string   `yaml:"proxy"`
	Timeout       string   `yaml:"timeout"`
	Retry         string   `yaml:"retry"`
	RetryLongest  string   `yaml:"retry-longest"`
	GiveUp        string   `yaml:"give-up"`
}

// open puts the targets and their store into the configuration. The function that it
// returns closes the store.
func (f *webhookFlags) open(ctx context.Context, data string, cfg *dashwire.Config) (end func() error, err error) {
	end = func() error { return nil }
	if f.Webhooks == "" {
		if f.WebhooksData != "" {
			return end, refuse("--webhooks-data does nothing without targets: name their file with --webhooks")
		}
		return end, nil
	}
	targets, err := readWebhooks(f.Webhooks)
	if err != nil {
		return end, err
	}
	path := f.WebhooksData
	if path == "" {
		path = data + "-webhooks"
	}
	store, err := sqlitestore.Open(ctx, path)
	if err != nil {
		return end, &notBegun{err}
	}
	cfg.Webhooks = webhook.Config{Store: store, Targets: targets}
	return store.Close, nil
}

// readWebhooks reads the targets of a file. Its errors do not hold what may be secret.
func readWebhooks(path string) ([]webhook.Target, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, refuse("--webhooks: the file cannot be read: %w", err)
	}
	targets, err := parseWebhooks(data)
	if err != nil {
		return nil, refuse("--webhooks: %s: %w", path, err)
	}
	return targets, nil
}

func parseWebhooks(data []byte) ([]webhook.Target, error) {
	var file webhookFile
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		var at yaml.Error // its whole text would quote the file
		if errors.As(err, &at) && at.GetToken() != nil {
			return nil, fmt.Errorf("line %d is not as it should be: write targets as a list, each with name, url and secrets (docs/webhooks.md has them all)",
				at.GetToken().Position.Line)
		}
		return nil, errors.New("it is neither YAML nor JSON")
	}
	if len(file.Targets) == 0 {
		return nil, errors.New("there are no targets in it")
	}
	var targets []webhook.Target
	seen := make(map[string]bool)
	for i, entry := range file.Targets {
		t, err := entry.parse()
		if err == nil {
			err = t.Validate()
		}
		if err == nil && seen[t.Name] {
			err = errors.New("another target has the same name")
		}
		if err != nil {
			return nil, fmt.Errorf("target %d (%q): %w", i+1, entry.Name, err)
		}
		seen[t.Name] = true
		targets = append(targets, t)
	}
	return targets, nil
}

func (e *webhookEntry) parse() (webhook.Target, error) {
	t := webhook.Target{Name: e.Name, URL: e.URL, Dashboards: e.Dashboards}
	for _, event := range e.Events {
		t.Events = append(t.Events, webhook.EventType(event))
	}
	switch e.From {
	case "", "now":
	case "start":
		t.FromStart = true
	default:
		return t, fmt.Errorf("from is %q; write now, or start to be told of everything that the logs hold", e.From)
	}
	secrets := e.Secrets
	for _, path := range e.SecretFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			return t, fmt.Errorf("a secret cannot be read: %w", err)
		}
		secrets = append(secrets, strings.TrimSpace(string(text)))
	}
	for _, text := range secrets {
		s, err := webhook.ParseSecret(text)
		if err != nil {
			return t, fmt.Errorf("%s; dashwire webhooks --new-secret makes one", strings.TrimPrefix(err.Error(), "webhook: "))
		}
		t.Secrets = append(t.Secrets, s)
	}
	for _, text := range e.AllowNetworks {
		n, err := parseNetwork(text)
		if err != nil {
			return t, fmt.Errorf("allow-networks: %w", err)
		}
		t.Allow = append(t.Allow, n)
	}
	if e.Proxy != "" {
		u, err := url.Parse(e.Proxy)
		if err != nil {
			return t, errors.New("its proxy cannot be read as a URL")
		}
		t.Proxy = u
	}
	for _, f := range []struct {
		key, text string
		into      *time.Duration
	}{
		{"timeout", e.Timeout, &t.Timeout},
		{"retry", e.Retry, &t.RetryFirst},
		{"retry-longest", e.RetryLongest, &t.RetryLongest},
		{"give-up", e.GiveUp, &t.GiveUp},
	} {
		if f.text == "" {
			continue
		}
		var s span
		if err := s.UnmarshalText([]byte(f.text)); err != nil {
			return t, fmt.Errorf("%s: %w", f.key, err)
		}
		*f.into = time.Duration(s)
	}
	return t, nil
}

// parseNetwork reads a network or a single address.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(s)
	if err != nil {
		return n, fmt.Errorf("%q is no network; write it like 10.0.0.0/8 or 192.168.1.7", s)
	}
	return n.Masked(), nil
}

// webhookNumbers are how targets do as metrics.
func webhookNumbers(states []webhook.State, now time.Time) (all []metrics.Number) {
	for _, n := range []struct {
		metrics.Number
		of func(webhook.State) float64
	}{
		{
			metrics.Number{Name: "dashwire_webhook_behind", Help: "Dashboards known to have something that the target was not told."},
			func(s webhook.State) float64 { return float64(s.Behind) },
		},
		{
			metrics.Number{Name: "dashwire_webhook_lag_seconds", Help: "Age of the oldest that the target was not told."},
			func(s webhook.State) float64 {
				if s.Oldest.IsZero() {
					return 0
				}
				return max(0, now.Sub(s.Oldest).Seconds())
			},
		},
		{
			metrics.Number{Name: "dashwire_webhook_dead", Help: "Dead letters that there are."},
			func(s webhook.State) float64 { return float64(s.Dead) },
		},
		{
			metrics.Number{Name: "dashwire_webhook_given_up_total", Help: "Messages that became dead letters.", Counter: true},
			func(s webhook.State) float64 { return float64(s.GivenUp) },
		},
		{
			metrics.Number{Name: "dashwire_webhook_dropped_total", Help: "Best-effort events and dead letters that were dropped.", Counter: true},
			func(s webhook.State) float64 { return float64(s.Dropped) },
		},
	} {
		for _, s := range states {
			number := n.Number
			number.Value, number.Labels = n.of(s), map[string]string{"target": s.Name}
			all = append(all, number)
		}
	}
	return all
}
