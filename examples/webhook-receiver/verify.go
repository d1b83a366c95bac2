package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tolerance is how far a message's timestamp may be from this machine's clock.
const tolerance = 5 * time.Minute

// errForged: the message is not from who knows the secret, or not from now.
var errForged = errors.New("the message is not signed as it should be")

// verifier checks messages by the Standard Webhooks convention. It may be used by any
// number of goroutines at once.
type verifier struct {
	keys [][]byte
	now  func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time // ids of messages whose work was done, and when
}

// newVerifier takes one secret, or two while one takes the place of the other.
func newVerifier(secrets []string, now func() time.Time) (*verifier, error) {
	v := &verifier{now: now, seen: make(map[string]time.Time)}
	for _, s := range secrets {
		encoded, ok := strings.CutPrefix(s, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < 24 {
			return nil, errors.New("a secret is whsec_ and base64 of 24 bytes or more")
		}
		v.keys = append(v.keys, key)
	}
	if len(v.keys) == 0 {
		return nil, errors.New("there is no secret: without one anybody could send")
	}
	return v, nil
}

// check tells whether a message is from who knows a secret, and from now.
func (v *verifier) check(h http.Header, body []byte) error {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("%w: it lacks its id or its timestamp", errForged)
	}
	if off := v.now().Sub(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return fmt.Errorf("%w: its timestamp is not from now", errForged)
	}
	for _, key := range v.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, signature := range strings.Fields(h.Get("webhook-signature")) {
			encoded, ok := strings.CutPrefix(signature, "v1,")
			got, err := base64.StdEncoding.DecodeString(encoded)
			if ok && err == nil && hmac.Equal(got, want) { // in constant time; another length is no match
				return nil
			}
		}
	}
	return errForged
}

// once checks a message and has its work done, unless it was done before. Messages are
// taken one after the other; one whose work failed may come again.
func (v *verifier) once(h http.Header, body []byte, work func() error) error {
	if err := v.check(h, body); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	for id, at := range v.seen {
		if now.Sub(at) > 2*tolerance {
			delete(v.seen, id) // too old to pass the check again
		}
	}
	id := h.Get("webhook-id")
	if _, done := v.seen[id]; done {
		return nil
	}
	if err := work(); err != nil {
		return err
	}
	v.seen[id] = now
	return nil
}
