package jwtauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// Authenticate implements auth.Authenticator. Tokens that are wrong or too old give
// auth.ErrUnauthenticated with the reason; any other error means that the issuer's keys
// are not to be had.
func (a *Authenticator) Authenticate(ctx context.Context, c auth.Credentials) (auth.Principal, error) {
	p, err := a.check(ctx, c.Token)
	var bad *refusal
	if !errors.As(err, &bad) {
		return p, err
	}
	level := slog.LevelInfo
	if bad.issuer {
		level = slog.LevelWarn
	}
	if skipped, ok := a.lines.next(a.cfg.Now()); ok {
		a.cfg.Log.Log(ctx, level, "jwtauth: a token was refused", "reason", bad.reason, "remote", c.RemoteAddr,
			"source", c.Source, "notLogged", skipped)
	}
	return auth.Principal{}, fmt.Errorf("%w: %s", auth.ErrUnauthenticated, bad.reason)
}

// refusal says why a token is no good, without anything out of an unsigned one.
type refusal struct {
	reason string
	issuer bool // the signature is right: whoever makes the tokens should know
}

func (r *refusal) Error() string { return r.reason }

func refuse(reason string) *refusal { return &refusal{reason: reason} }

// check reads a token.
func (a *Authenticator) check(ctx context.Context, token string) (auth.Principal, error) {
	head, err := inspect(token)
	if err != nil {
		return auth.Principal{}, err
	}
	var unknown error // why there are no keys
	content := claims{}
	_, err = a.parser.ParseWithClaims(token, &content, func(*jwt.Token) (any, error) {
		fitting := a.keys.Load().find(head.keyID, head.algorithm)
		if a.remote != nil && !slices.Contains(symmetric, head.algorithm) { // no secret comes from there
			fetched, err := a.remote.find(ctx, head.keyID, head.algorithm)
			if err != nil && len(fitting) == 0 {
				unknown = err
				return nil, err
			}
			fitting = append(fitting, fetched...)
		}
		if len(fitting) == 0 {
			unknown = refuse("it is signed with a key or an algorithm that is not known here")
			return nil, unknown
		}
		set := jwt.VerificationKeySet{}
		for _, k := range fitting {
			set.Keys = append(set.Keys, k)
		}
		return set, nil
	})
	switch {
	case unknown != nil:
		return auth.Principal{}, unknown
	case err != nil:
		return auth.Principal{}, explain(err)
	}
	p, err := a.cfg.principal(content)
	if err != nil {
		return auth.Principal{}, &refusal{reason: err.Error(), issuer: true}
	}
	return p, nil
}

// header is what counts of a token's header.
type header struct{ algorithm, keyID string }

// inspect holds a token to its form before anything is computed.
func inspect(token string) (h header, err error) {
	if len(token) > MaxTokenBytes {
		return h, refuse(fmt.Sprintf("it is longer than %d bytes", MaxTokenBytes))
	}
	if strings.Count(token, ".") != 2 {
		return h, refuse("it is no JWT: that has three parts")
	}
	parts := strings.SplitN(token, ".", 3)
	var members [2]map[string]jsontext.RawValue
	for i := range members {
		text, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil || strings.ContainsAny(parts[i], "\r\n") { // which the decoder passes over
			return h, refuse("it is no JWT: its parts are not in base64url")
		}
		if jsontext.Check(text, jsontext.Limits{KeyBytes: MaxTokenBytes, NumberChars: MaxTokenBytes}) != nil ||
			jsontext.Decode(text, &members[i]) != nil || members[i] == nil {
			return h, refuse("it is no JWT: its parts are no JSON objects, or have a member twice")
		}
	}
	if strings.ContainsAny(parts[2], "\r\n") {
		return h, refuse("it is no JWT: its parts are not in base64url")
	}
	if _, ok := members[0]["crit"]; ok {
		return h, refuse("its header has crit, which asks for extensions that are not here")
	}
	for name, into := range map[string]*string{"alg": &h.algorithm, "kid": &h.keyID} {
		raw, ok := members[0][name]
		if !ok {
			continue
		}
		var s *string
		if jsontext.Decode(raw, &s) != nil || s == nil {
			return h, refuse("its header has a " + name + " that is no text")
		}
		*into = *s
	}
	return h, nil
}

// explain puts what the library found into words.
func explain(err error) *refusal {
	for _, e := range []struct {
		is     error
		reason string
		issuer bool
	}{
		{jwt.ErrTokenUnverifiable, "its algorithm is not known", false},
		{jwt.ErrTokenSignatureInvalid, "its algorithm is not allowed, or its signature is wrong", false},
		{jwt.ErrTokenMalformed, "it is no JWT", false},
		{jwt.ErrTokenRequiredClaimMissing, "it lacks a claim that must be there: exp, and iss and aud if they are set", true},
		{jwt.ErrTokenExpired, "it has ended", false},
		{jwt.ErrTokenNotValidYet, "it begins in the future (nbf): compare the clocks", true},
		{jwt.ErrTokenUsedBeforeIssued, "it was made in the future (iat): compare the clocks", true},
		{jwt.ErrTokenInvalidIssuer, "it is of another issuer", true},
		{jwt.ErrTokenInvalidAudience, "it is for another audience", true},
	} {
		if errors.Is(err, e.is) {
			return &refusal{reason: e.reason, issuer: e.issuer}
		}
	}
	return &refusal{reason: "a claim of it is malformed", issuer: true}
}

// lines bounds what is logged about refused tokens, so that guessing fills no disk.
type lines struct {
	mu      sync.Mutex
	begun   time.Time // of the present window
	used    int
	skipped int
}

const (
	linesIn    = 10 * time.Second
	linesAtAll = 10
)

// next reports whether another line may be written, and how many were not.
func (l *lines) next(now time.Time) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := now.Sub(l.begun); since >= linesIn || since < 0 {
		l.begun, l.used = now, 0
	}
	if l.used == linesAtAll {
		l.skipped++
		return 0, false
	}
	l.used++
	skipped, l.skipped = l.skipped, 0
	return skipped, true
}
