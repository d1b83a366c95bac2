package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secret signs messages. It is shared with the receiver.
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

// sign gives the signature of one sending of a message.
func (s Secret) sign(id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
