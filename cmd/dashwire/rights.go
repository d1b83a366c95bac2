package main

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth/callout"
	"github.com/dashwire/dashwire/auth/httpsig"
	"github.com/dashwire/dashwire/auth/jwtauth"
	"github.com/dashwire/dashwire/metrics"
)

// rightsFlags say which app is asked what people may do, in the place of their tokens.
type rightsFlags struct {
	URL        string `name:"authorize-url" hidden:"" placeholder:"URL" help:"app that is asked for roles, in the place of tokens' claims"`
	TokenFile  string `name:"authorize-token-file" hidden:"" help:"file of a secret that the app is sent as Authorization: Bearer"`
	HMACFile   string `name:"authorize-hmac-file" hidden:"" help:"file of a secret that questions are signed with"`
	KeyID      string `name:"authorize-key-id" hidden:"" default:"dashwire" help:"the keyid of these signatures"`
	Timeout    span   `name:"authorize-timeout" hidden:"" default:"2s" help:"how long an answer may take"`
	CacheFor   span   `name:"authorize-cache" hidden:"" default:"30s" help:"how long an answer counts that does not say so"`
	Grace      span   `name:"authorize-grace" hidden:"" default:"0s" help:"how long answers count on while the app gives none"`
	MaxEntries int    `name:"authorize-max-entries" hidden:"" default:"100000" help:"answers that are kept"`
	Plain      bool   `name:"authorize-plain-http" hidden:"" help:"ask an app on another machine without TLS"`
}

// rights makes what asks the app, nil if none is named. Secrets are looked at again by r.
func (f *rightsFlags) rights(signInOn bool, r *reloader, log *slog.Logger) (*callout.Authorizer, error) {
	switch {
	case f.URL == "" && (f.TokenFile != "" || f.HMACFile != ""):
		return nil, refuse("--authorize-token-file and --authorize-hmac-file do nothing without --authorize-url: name the app")
	case f.URL == "":
		return nil, nil
	case !signInOn:
		return nil, refuse("--authorize-url does nothing without sign-in, since everybody is owner then: set up sign-in with --jwt-secret-file or --jwt-keys")
	case f.TokenFile != "" && f.HMACFile != "":
		return nil, refuse("--authorize-token-file and --authorize-hmac-file exclude each other: name one")
	}
	prepare, err := f.prepare(r)
	if err != nil {
		return nil, err
	}
	a, err := callout.New(callout.Config{
		URL: f.URL, Plain: f.Plain, Prepare: prepare, Timeout: time.Duration(f.Timeout), CacheFor: time.Duration(f.CacheFor),
		Grace: time.Duration(f.Grace), MaxEntries: f.MaxEntries, Log: log,
	})
	if err != nil {
		return nil, refuse("--authorize-url: %s", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "callout.New: "), "\n", "; "))
	}
	return a, nil
}

// prepare makes what proves to the app who asks.
func (f *rightsFlags) prepare(r *reloader) (func(*http.Request) error, error) {
	switch {
	case f.TokenFile != "":
		var bearer atomic.Pointer[string]
		err := r.read("the secret for the app that is asked for rights", []string{f.TokenFile}, func() error {
			secret, err := jwtauth.ReadSecret(f.TokenFile)
			if err != nil {
				return err
			}
			if strings.ContainsFunc(string(secret), func(c rune) bool { return c <= ' ' || c > '~' }) {
				return errors.New(f.TokenFile + ": a secret for a header is one line of printable ASCII without spaces")
			}
			text := "Bearer " + string(secret)
			bearer.Store(&text)
			return nil
		})
		if err != nil {
			return nil, refuse("--authorize-token-file: %w", err)
		}
		return func(r *http.Request) error { r.Header.Set("Authorization", *bearer.Load()); return nil }, nil
	case f.HMACFile != "":
		var key atomic.Pointer[httpsig.Key]
		err := r.read("the key for the app that is asked for rights", []string{f.HMACFile}, func() error {
			secret, err := jwtauth.ReadSecret(f.HMACFile)
			if err != nil {
				return err
			}
			k, err := httpsig.NewKey(f.KeyID, httpsig.HMACSHA256, secret)
			if err != nil {
				return err
			}
			key.Store(&k)
			return nil
		})
		if err != nil {
			return nil, refuse("--authorize-hmac-file: %w", err)
		}
		return func(r *http.Request) error { return httpsig.Sign(r, *key.Load(), httpsig.SignOptions{}) }, nil
	}
	return nil, nil
}

// rightsNumbers are the counts of questions as metrics.
func rightsNumbers(a *callout.Authorizer) []metrics.Number {
	if a == nil {
		return nil
	}
	s := a.Stats()
	return []metrics.Number{
		{Name: "dashwire_rights_asked_total", Help: "Questions of rights put to the app.", Value: float64(s.Asked), Counter: true},
		{Name: "dashwire_rights_failed_total", Help: "Questions of rights without an answer.", Value: float64(s.Failed), Counter: true},
		{Name: "dashwire_rights_kept", Help: "Answers about rights that are kept.", Value: float64(s.Entries)},
	}
}
