package jwtauth

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Config is what tokens are held against. There must be at least one key: a secret, a
// key file, or a KeySetURL. Nothing is changed after New; what is in the files may change,
// see [Authenticator.Reload].
type Config struct {
	// Algorithms are those that a signature may have: HS256, HS384, HS512, RS256, RS384,
	// RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA. Empty = HS256 if there are
	// only secrets, RS256, PS256, ES256 and EdDSA if there are none; with both it must be set.
	Algorithms []string
	// SecretFiles hold one secret each: the bytes of the file without white space at its
	// end, at least as many as the algorithm's hash has (HS256: 32).
	SecretFiles []string
	// KeyFiles hold public keys: PEM (also certificates, whose dates do not count), one
	// JWK, or a JWKS. Symmetric JWKs are secrets.
	KeyFiles []string
	// KeySetURL is where the issuer shows its public keys as a JWKS: https, or http on
	// this machine. Redirects are not followed.
	KeySetURL string
	// RefreshEvery is how long fetched keys are taken as they are. 0 = 10 min; at least
	// one minute. When they cannot be fetched, the old ones serve on for 24 hours.
	RefreshEvery time.Duration
	// Transport fetches the JWKS. Nil = one like http.DefaultTransport.
	Transport http.RoundTripper

	// Issuer is what "iss" must be; "" = anything.
	Issuer string
	// Audience are the names of which "aud" must hold one; empty = anything.
	Audience []string
	// Leeway is what clocks may differ by, at most 5 min. 0 = 30 s; negative = none.
	Leeway time.Duration
	// UserClaim names the claim that holds the user's id (D2). "" = sub.
	UserClaim string
	// RightsClaim names the claim that holds roles (P1). "" = dashwire.
	RightsClaim string

	// Now tells the time. Nil = time.Now.
	Now func() time.Time
	// Log gets why tokens are refused, at most ten lines in ten seconds, and what is
	// wrong with the JWKS. It never gets a token. Nil = slog.Default().
	Log *slog.Logger
}

// The limits of what is taken from outside.
const (
	// MaxTokenBytes is the length of the longest token that is looked at.
	MaxTokenBytes = 8 << 10

	maxLeeway   = 5 * time.Minute
	maxFile     = 1 << 20
	maxKeySet   = 64 << 10
	maxKeys     = 100 // of one JWKS
	maxTried    = 16  // keys for one token that does not name its key
	fetchWithin = 5 * time.Second
)

var (
	symmetric  = []string{"HS256", "HS384", "HS512"}
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

// Authenticator checks tokens. It may be used by any number of goroutines at once.
type Authenticator struct {
	cfg    Config
	parser *jwt.Parser
	keys   atomic.Pointer[keySet] // of files
	remote *remote                // nil without a KeySetURL
	lines  lines
}

// New reads the key files. The error names everything that is wrong with cfg.
func New(cfg Config) (*Authenticator, error) {
	errs := cfg.complete()
	keys, err := cfg.keysOfFiles()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(cfg.Algorithms), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(cfg.Leeway), jwt.WithTimeFunc(cfg.Now),
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	if len(cfg.Audience) > 0 {
		options = append(options, jwt.WithAudience(cfg.Audience...))
	}
	a := &Authenticator{cfg: cfg, parser: jwt.NewParser(options...)}
	a.keys.Store(&keys)
	if cfg.KeySetURL != "" {
		a.remote = newRemote(&a.cfg)
	}
	return a, nil
}

// Reload reads the key files anew. If one of them is no good, the keys stay those of
// before. Tokens of keys that are gone sign nobody in from then on; sessions that they have
// opened last until they end (C3).
func (a *Authenticator) Reload() error {
	keys, err := a.cfg.keysOfFiles()
	if err == nil {
		a.keys.Store(&keys)
	}
	return err
}

// keysOfFiles reads the key files.
func (c *Config) keysOfFiles() (keys keySet, err error) {
	var errs []error
	for _, path := range c.SecretFiles {
		material, err := ReadSecret(path)
		if err == nil {
			keys, err = keys.with(path, found{material: secret(material)}, c.Algorithms)
		}
		errs = append(errs, err)
	}
	for _, path := range c.KeyFiles {
		list, err := readKeys(path)
		for _, f := range list {
			var unfit error
			keys, unfit = keys.with(path, f, c.Algorithms)
			err = errors.Join(err, unfit)
		}
		errs = append(errs, err)
	}
	return keys, errors.Join(errs...)
}

// complete fills in defaults and tells what is wrong.
func (c *Config) complete() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	secrets, public := len(c.SecretFiles) > 0, len(c.KeyFiles) > 0 || c.KeySetURL != ""
	c.Algorithms = slices.Clone(c.Algorithms)
	switch {
	case !secrets && !public:
		wrong("there is no key to check tokens with: name a secret, a key file or the address of a JWKS")
	case len(c.Algorithms) > 0:
	case secrets && public:
		wrong("with secrets and public keys side by side, name the algorithms that tokens may have")
	case secrets:
		c.Algorithms = []string{"HS256"}
	default:
		c.Algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(symmetric, a) && !slices.Contains(asymmetric, a) {
			wrong("%q is no algorithm for tokens: use %s or %s", a, strings.Join(symmetric, ", "), strings.Join(asymmetric, ", "))
		}
	}
	if c.KeySetURL != "" && !fetchable(c.KeySetURL) {
		wrong("%q is no address of a JWKS: write it like https://id.example.com/jwks.json (http on this machine only)", c.KeySetURL)
	}
	if c.Leeway > maxLeeway {
		wrong("a leeway of %s is too much: clocks may differ by %s at most", c.Leeway, maxLeeway)
	}
	switch {
	case c.Leeway == 0:
		c.Leeway = 30 * time.Second
	case c.Leeway < 0:
		c.Leeway = 0
	}
	if c.RefreshEvery == 0 {
		c.RefreshEvery = 10 * time.Minute
	} else if c.RefreshEvery < time.Minute {
		wrong("keys are fetched at most once a minute, not every %s", c.RefreshEvery)
	}
	if c.UserClaim == "" {
		c.UserClaim = "sub"
	}
	if c.RightsClaim == "" {
		c.RightsClaim = "dashwire"
	}
	if c.UserClaim == c.RightsClaim {
		wrong("the claim %q cannot hold the user's id and the rights", c.UserClaim)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return errs
}

// fetchable reports whether keys that come from an address can be trusted.
func fetchable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}
