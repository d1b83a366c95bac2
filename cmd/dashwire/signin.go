package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth/jwtauth"
	"github.com/dashwire/dashwire/auth/sqlitestore"
)

// signInFlags say whose tokens are taken. The rarer ones are not in the help, which is a
// screen at most; docs/operations.md has them all.
type signInFlags struct {
	SecretFile []string `name:"jwt-secret-file" group:"sign-in" placeholder:"FILE,…" help:"secrets that tokens are signed with (see dashwire token)"`
	Keys       []string `name:"jwt-keys" group:"sign-in" placeholder:"FILE|URL,…" help:"public keys of tokens: PEM, JWK or JWKS files, an address"`
	Algorithm  []string `name:"jwt-algorithm" hidden:"" help:"algorithms that tokens may have"`
	Issuer     string   `name:"jwt-issuer" hidden:"" help:"what the claim iss must be"`
	Audience   []string `name:"jwt-audience" hidden:"" help:"names of which the claim aud must hold one"`
	Leeway     span     `name:"jwt-leeway" hidden:"" default:"30s" help:"what clocks may differ by"`
	UserClaim  string   `name:"jwt-user-claim" hidden:"" default:"sub" help:"the claim that holds the user's id"`
	Claim      string   `name:"jwt-claim" hidden:"" default:"dashwire" help:"the claim that holds the roles"`
	AuthCookie string   `name:"auth-cookie" hidden:"" help:"the cookie that may hold a token"`
	Signing    string   `name:"signing-keys" hidden:"" help:"file of the keys of programs that sign their requests"`
}

// signInOn tells whether whoever connects has to sign in.
func (f *signInFlags) signInOn() bool { return f.tokens() || f.Signing != "" }

// tokens tells whether there are keys for tokens.
func (f *signInFlags) tokens() bool { return len(f.SecretFile) > 0 || len(f.Keys) > 0 }

// doors check who comes in; nil where there is nothing to check with.
type doors struct {
	tokens *jwtauth.Authenticator
	signed *signingKeys
}

// doors makes what checks tokens and signed requests. Files are looked at again by r.
func (f *signInFlags) doors(r *reloader, log *slog.Logger) (d doors, err error) {
	if d.tokens, err = f.authenticator(r, log); err == nil && f.Signing != "" {
		d.signed = &signingKeys{path: f.Signing}
		err = r.read("the keys of signed requests", []string{f.Signing}, d.signed.read)
	}
	return d, err
}

// open puts the doors in place, with the file beside the data file that remembers what was
// taken back; close gives that one back.
func (d doors) open(ctx context.Context, data string, cfg *dashwire.Config) (shut func() error, err error) {
	if d.tokens == nil && d.signed == nil {
		return func() error { return nil }, nil
	}
	store, err := sqlitestore.Open(ctx, data+"-revoked")
	if err != nil {
		return nil, &notBegun{err}
	}
	cfg.Revocations = store
	if d.tokens != nil { // an interface that holds a nil pointer is not nil
		cfg.Authenticator = d.tokens
		_ = d.tokens.Fetch(ctx) // what is wrong has been logged, and it is tried again
	}
	if d.signed != nil {
		d.signed.seen = func(name string) (time.Time, error) { return store.KeySeen(ctx, name, time.Now()) }
		if err := d.signed.read(); err != nil {
			return nil, errors.Join(err, store.Close())
		}
		cfg.RequestAuthenticator = d.signed.door
	}
	return store.Close, nil
}

// authenticator makes what checks tokens, nil without keys for them.
func (f *signInFlags) authenticator(r *reloader, log *slog.Logger) (*jwtauth.Authenticator, error) {
	if !f.tokens() {
		for _, given := range []struct {
			flag string
			is   bool
		}{
			{"jwt-algorithm", len(f.Algorithm) > 0},
			{"jwt-issuer", f.Issuer != ""},
			{"jwt-audience", len(f.Audience) > 0},
			{"auth-cookie", f.AuthCookie != ""},
		} {
			if given.is {
				return nil, refuse("--%s does nothing without tokens: name their keys with --jwt-secret-file or --jwt-keys", given.flag)
			}
		}
		return nil, nil
	}
	cfg := jwtauth.Config{
		Algorithms: f.Algorithm, SecretFiles: f.SecretFile, Issuer: f.Issuer, Audience: f.Audience,
		Leeway: time.Duration(f.Leeway), UserClaim: f.UserClaim, RightsClaim: f.Claim, Log: log,
	}
	if f.Leeway == 0 {
		cfg.Leeway = -1
	}
	for _, k := range f.Keys {
		switch {
		case !strings.Contains(k, "://"):
			cfg.KeyFiles = append(cfg.KeyFiles, k)
		case cfg.KeySetURL != "":
			return nil, refuse("--jwt-keys names two addresses, %s and %s; name one, and the other's keys as a file", cfg.KeySetURL, k)
		default:
			cfg.KeySetURL = k
		}
	}
	if f.AuthCookie != "" && strings.ContainsAny(f.AuthCookie, " \t\r\n\"(),/:;<=>?@[\\]{}") {
		return nil, refuse("--auth-cookie: %q is no name for a cookie", f.AuthCookie)
	}
	var door *jwtauth.Authenticator
	err := r.read("the keys of tokens", slices.Concat(cfg.SecretFiles, cfg.KeyFiles), func() (err error) {
		if door != nil {
			return door.Reload()
		}
		door, err = jwtauth.New(cfg)
		return err
	})
	if err != nil {
		text := "sign-in: " + strings.ReplaceAll(err.Error(), "\n", "; ")
		if len(f.SecretFile) > 0 && errors.Is(err, fs.ErrNotExist) {
			text += "; dashwire token --new-secret --secret-file FILE makes a secret"
		}
		return nil, &notBegun{errors.New(text)}
	}
	return door, nil
}
