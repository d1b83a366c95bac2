package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/httpsig"
	"github.com/dashwire/dashwire/auth/jwtauth"
	"github.com/dashwire/dashwire/board"
)

// signingFile is the file of the keys whose requests are taken, as YAML or JSON.
type signingFile struct {
	Keys []signingKey `yaml:"keys"`
}

// signingKey is one key, and who holds it.
type signingKey struct {
	ID        string `yaml:"id"`
	Algorithm string `yaml:"algorithm"`
	// Key is a public key in PEM, or for hmac-sha256 a secret in base64.
	Key  string `yaml:"key"`
	User string `yaml:"user"`
	// Dashboards are roles by id or prefix* (P1).
	Dashboards map[string]string `yaml:"dashboards"`
	Admin      bool              `yaml:"admin"`
}

// signingKeys are the keys of a file, and what takes requests signed by them.
type signingKeys struct {
	path string
	door *httpsig.Authenticator // nil until the first read
	// seen tells since when a key is known, so that a revoked one does not count as new
	// after a restart (C3); nil = since now.
	seen func(name string) (time.Time, error)
}

// read makes an authenticator of the file, or has the one that is there take its keys in.
// Its errors do not hold what may be secret.
func (s *signingKeys) read() error {
	data, err := os.ReadFile(s.path)
	if err != nil {
		return refuse("--signing-keys: the file cannot be read: %w", err)
	}
	keys, people, err := parseSigningKeys(data)
	if err == nil {
		err = s.date(keys, people)
	}
	if err == nil {
		s.door, err = takeIn(s.door, keys, people)
	}
	if err != nil {
		return refuse("--signing-keys: %s: %w", s.path, err)
	}
	return nil
}

// date notes since when each key is known as its user's.
func (s *signingKeys) date(keys []httpsig.Key, people map[string]auth.Principal) (err error) {
	if s.seen == nil {
		return nil
	}
	for _, k := range keys {
		who := people[k.ID()]
		if who.IssuedAt, err = s.seen(who.UserID + " " + k.Fingerprint()); err != nil {
			return err
		}
		people[k.ID()] = who
	}
	return nil
}

// takeIn makes an authenticator, or replaces the keys of one.
func takeIn(into *httpsig.Authenticator, keys []httpsig.Key, people map[string]auth.Principal) (*httpsig.Authenticator, error) {
	if into != nil {
		if err := into.Replace(keys, people); err != nil {
			return into, errors.New(strings.TrimPrefix(err.Error(), "httpsig.Authenticator.Replace: "))
		}
		return into, nil
	}
	v, err := httpsig.NewVerifier(httpsig.Config{Keys: keys})
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "httpsig.NewVerifier: "))
	}
	return httpsig.NewAuthenticator(v, people), nil
}

func parseSigningKeys(data []byte) ([]httpsig.Key, map[string]auth.Principal, error) {
	var file signingFile
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		var at yaml.Error // its whole text would quote the file
		if errors.As(err, &at) && at.GetToken() != nil {
			return nil, nil, fmt.Errorf("line %d is not as it should be: write keys as a list, each with id, algorithm, key, user, dashboards and admin",
				at.GetToken().Position.Line)
		}
		return nil, nil, errors.New("it is neither YAML nor JSON")
	}
	var keys []httpsig.Key
	people := make(map[string]auth.Principal)
	for i, entry := range file.Keys {
		key, who, err := entry.parse()
		if err != nil {
			return nil, nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		keys = append(keys, key)
		people[key.ID()] = who
	}
	return keys, people, nil
}

func (k signingKey) parse() (httpsig.Key, auth.Principal, error) {
	who := auth.Principal{UserID: k.User, Admin: k.Admin}
	key, err := httpsig.ParseKey(k.ID, httpsig.Algorithm(k.Algorithm), k.Key)
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), ": ")
		return key, who, errors.New(text)
	}
	if k.User == auth.Anonymous || board.CheckID("user", k.User) != nil {
		return key, who, fmt.Errorf("%q needs a user, as whom its requests are carried out: 1 to %d characters of A–Z a–z 0–9 . _ : -", k.ID, board.MaxID)
	}
	for _, pattern := range slices.Sorted(maps.Keys(k.Dashboards)) {
		grant, err := jwtauth.ParseGrant(pattern, k.Dashboards[pattern])
		if err != nil {
			return key, who, fmt.Errorf("%q: dashboards: %w", k.ID, err)
		}
		who.Grants = append(who.Grants, grant)
	}
	return key, who, nil
}
