package jwtauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
)

// secret is a symmetric key. Only what was configured as one becomes one.
type secret []byte

// found is a key as it was found, before it is known what it may check.
type found struct {
	id, algorithm string // as far as they are told
	material      any    // secret, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// key is a key with the algorithms that it checks: those of its kind that are allowed.
type key struct {
	id         string // "" = any token may be signed with it
	algorithms []string
	material   any // as golang-jwt takes it
}

// fit decides what a key checks. The kind of key decides, never a token.
func fit(f found, allowed []string) (key, error) {
	k := key{id: f.id, material: f.material}
	var of []string
	what := "key"
	switch m := f.material.(type) {
	case secret:
		what = "secret"
		k.material = []byte(m)
		for i, a := range symmetric {
			if len(m) >= 32+16*i { // RFC 7518, section 3.2
				of = append(of, a)
			}
		}
		if len(of) == 0 {
			return k, fmt.Errorf("the secret has %d bytes: make one of at least 32", len(m))
		}
	case *rsa.PublicKey:
		what = "RSA key"
		if bits := m.N.BitLen(); bits < 2048 || bits > 8192 {
			return k, fmt.Errorf("the RSA key has %d bits: use one of 2048 to 8192", bits)
		}
		of = asymmetric[:6]
	case *ecdsa.PublicKey:
		what = "EC key"
		switch m.Curve {
		case elliptic.P256():
			of = []string{"ES256"}
		case elliptic.P384():
			of = []string{"ES384"}
		case elliptic.P521():
			of = []string{"ES512"}
		}
	case ed25519.PublicKey:
		what = "Ed25519 key"
		of = []string{"EdDSA"}
	}
	for _, a := range of {
		if slices.Contains(allowed, a) && (f.algorithm == "" || f.algorithm == a) {
			k.algorithms = append(k.algorithms, a)
		}
	}
	if len(k.algorithms) == 0 {
		return k, fmt.Errorf("the %s is of no use for the algorithms allowed (%s)", what, strings.Join(allowed, ", "))
	}
	return k, nil
}

// keySet is some keys. It is not modified once it can be seen by others.
type keySet []key

// with adds a key that was found in a file.
func (s keySet) with(path string, f found, allowed []string) (keySet, error) {
	k, err := fit(f, allowed)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return append(s, k), nil
}

// find returns the keys that a token with this header may be signed with. A token that
// names no key may be signed with any; a key without a name may have signed any token.
func (s keySet) find(id, algorithm string) (fitting []any) {
	for _, k := range s {
		if slices.Contains(k.algorithms, algorithm) && (k.id == "" || id == "" || k.id == id) && len(fitting) < maxTried {
			fitting = append(fitting, k.material)
		}
	}
	return fitting
}
