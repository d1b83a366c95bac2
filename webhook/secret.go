package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secret signs messages. It is shared with the receiver. The zero value signs nothing.
type Secret struct{ key []byte }

const (
	secretPrefix         = "whsec_"
	minSecret, maxSecret = 24, 64 // bytes
)

// ParseSecret reads a secret as receivers are given it: whsec_ and base64 of 24 to 64
// bytes. Its errors do not hold the text.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, errors.New("webhook: a secret begins with whsec_")
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Secret{}, errors.New("webhook: what follows whsec_ is no base64")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("webhook: the secret has %d bytes; it needs %d to %d", len(key), minSecret, maxSecret)
	}
	return Secret{key}, nil
}

// NewSecret makes the text of a secret of 32 random bytes.
func NewSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails, see its documentation
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:])
}

// Sign gives one signature of the header webhook-signature, v1 with HMAC-SHA256, for the
// sending of a message at a time.
func (s Secret) Sign(id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// String hides the secret from logs.
func (Secret) String() string { return secretPrefix + "…" }

// GoString hides it too.
func (s Secret) GoString() string { return s.String() }
