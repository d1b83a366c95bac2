package httpsig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Algorithm is a name of the registry of RFC 9421, section 6.2.
type Algorithm string

// The algorithms.
const (
	Ed25519    Algorithm = "ed25519"
	ECDSAP256  Algorithm = "ecdsa-p256-sha256"
	HMACSHA256 Algorithm = "hmac-sha256"
)

const (
	// maxKeyID is the longest key id, in bytes.
	maxKeyID = 256
	// minSecret is the shortest secret for HMAC, in bytes: the size of its hash.
	minSecret = 32
)

// Key is a key with its id and its one algorithm: what a signature says of algorithms
// is held against it and never followed. The zero Key is none. A Key is not modified
// after it was made.
type Key struct {
	id        string
	algorithm Algorithm

	ed25519Public  ed25519.PublicKey
	ed25519Private ed25519.PrivateKey // nil = the key only checks
	ecdsaPublic    *ecdsa.PublicKey
	ecdsaPrivate   *ecdsa.PrivateKey // nil = the key only checks
	secret         []byte
}

// NewKey makes a key of an ed25519.PublicKey or PrivateKey, an *ecdsa.PublicKey or
// *ecdsa.PrivateKey on P-256, or, for HMAC, of at least 32 secret bytes as []byte.
// A private key also checks, a public one cannot sign. The id is 1 to 256 printable
// ASCII characters.
func NewKey(id string, algorithm Algorithm, material any) (Key, error) {
	k := Key{id: id, algorithm: algorithm}
	if id == "" || len(id) > maxKeyID || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
		return Key{}, fmt.Errorf("httpsig.NewKey: the key id %q must be 1 to %d printable ASCII characters", id, maxKeyID)
	}
	fits := false
	switch m := material.(type) {
	case ed25519.PublicKey:
		k.ed25519Public, fits = m, algorithm == Ed25519 && len(m) == ed25519.PublicKeySize
	case ed25519.PrivateKey:
		if fits = algorithm == Ed25519 && len(m) == ed25519.PrivateKeySize; fits {
			k.ed25519Private, k.ed25519Public = m, m.Public().(ed25519.PublicKey)
		}
	case *ecdsa.PublicKey:
		k.ecdsaPublic, fits = m, algorithm == ECDSAP256 && m.Curve == elliptic.P256()
	case *ecdsa.PrivateKey:
		k.ecdsaPrivate, k.ecdsaPublic, fits = m, &m.PublicKey, algorithm == ECDSAP256 && m.Curve == elliptic.P256()
	case []byte:
		if algorithm == HMACSHA256 && len(m) < minSecret {
			return Key{}, fmt.Errorf("httpsig.NewKey: the secret of key %q has %d bytes; it needs %d or more", id, len(m), minSecret)
		}
		k.secret, fits = append([]byte(nil), m...), algorithm == HMACSHA256
	}
	switch {
	case algorithm != Ed25519 && algorithm != ECDSAP256 && algorithm != HMACSHA256:
		return Key{}, fmt.Errorf("httpsig.NewKey: the algorithm %q of key %q is unknown; use %s, %s or %s", algorithm, id, Ed25519, ECDSAP256, HMACSHA256)
	case !fits:
		return Key{}, fmt.Errorf("httpsig.NewKey: key %q is none for %s", id, algorithm)
	}
	return k, nil
}

// ParseKey makes a key of text: PEM as openssl writes it (PUBLIC KEY, PRIVATE KEY, EC
// PRIVATE KEY), or base64 of a secret for HMAC. Its errors do not hold the text.
func ParseKey(id string, algorithm Algorithm, text string) (Key, error) {
	text = strings.TrimSpace(text)
	if algorithm == HMACSHA256 {
		secret, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return Key{}, fmt.Errorf("httpsig.ParseKey: the secret of key %q is no base64", id)
		}
		return NewKey(id, algorithm, secret)
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(strings.TrimSpace(string(rest))) > 0 {
		return Key{}, fmt.Errorf("httpsig.ParseKey: key %q is not one block of PEM (-----BEGIN PUBLIC KEY-----)", id)
	}
	material, err := parseBlock(block)
	if err != nil {
		return Key{}, fmt.Errorf("httpsig.ParseKey: key %q: %w", id, err)
	}
	return NewKey(id, algorithm, material)
}

func parseBlock(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, errors.New("its PEM block is of another kind than PUBLIC KEY, PRIVATE KEY or EC PRIVATE KEY")
}

// same reports whether two keys are the same under the same id.
func (k Key) same(o Key) bool {
	if k.id != o.id || k.algorithm != o.algorithm {
		return false
	}
	switch k.algorithm {
	case Ed25519:
		return k.ed25519Public.Equal(o.ed25519Public)
	case ECDSAP256:
		return k.ecdsaPublic.Equal(o.ecdsaPublic)
	}
	return hmac.Equal(k.secret, o.secret)
}

// ID is the key's id, the keyid of its signatures.
func (k Key) ID() string { return k.id }

// Algorithm is the one under which the key is used.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// Fingerprint is the same for the same key under any id, and for no other key. It tells
// nobody a secret.
func (k Key) Fingerprint() string {
	h := sha256.New()
	h.Write([]byte("dashwire key " + string(k.algorithm) + "\x00"))
	switch k.algorithm {
	case Ed25519:
		h.Write(k.ed25519Public)
	case ECDSAP256:
		der, err := x509.MarshalPKIXPublicKey(k.ecdsaPublic)
		if err != nil {
			return "" // never: the curve is P-256
		}
		h.Write(der)
	default:
		h.Write(k.secret)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// verify reports whether sig is the key's over base (RFC 9421, section 3.3).
func (k Key) verify(base, sig []byte) bool {
	switch k.algorithm {
	case Ed25519:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.ed25519Public, base, sig)
	case ECDSAP256:
		if len(sig) != 64 { // r and s, 32 bytes each
			return false
		}
		sum := sha256.Sum256(base)
		return ecdsa.Verify(k.ecdsaPublic, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case HMACSHA256:
		return hmac.Equal(k.mac(base), sig)
	}
	return false
}

// sign gives the key's signature over base.
func (k Key) sign(base []byte) ([]byte, error) {
	switch {
	case k.ed25519Private != nil:
		return ed25519.Sign(k.ed25519Private, base), nil
	case k.ecdsaPrivate != nil:
		sum := sha256.Sum256(base)
		r, s, err := ecdsa.Sign(rand.Reader, k.ecdsaPrivate, sum[:])
		if err != nil {
			return nil, err
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return sig, nil
	case k.secret != nil:
		return k.mac(base), nil
	}
	return nil, errors.New("it is a public key; sign with the private one")
}

func (k Key) mac(base []byte) []byte {
	h := hmac.New(sha256.New, k.secret)
	h.Write(base)
	return h.Sum(nil)
}
