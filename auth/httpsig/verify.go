package httpsig

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dunglas/httpsfv"
)

// Config is what a Verifier holds requests against. Keys must be set; every other
// field may be zero.
type Config struct {
	// Keys are those whose signatures count, each with an id of its own.
	Keys []Key
	// Now tells the time; nil = time.Now.
	Now func() time.Time
	// MaxAge and MaxAhead are how long before and after Now a signature may have been
	// made, in whole seconds. 0 = 60 s and 5 s.
	MaxAge, MaxAhead time.Duration
	// Tag is the tag that marks signatures for this server. "" = a request must have
	// one signature in all, of any tag or none; otherwise one of this tag, and others
	// are passed over.
	Tag string
	// Fields are those that must be covered where a request has them, in lower case;
	// nil = DefaultFields.
	Fields []string
	// MaxBody bounds the body of a signed request, in bytes. 0 = 16 MiB.
	MaxBody int64
	// MaxNonces bounds the nonces that are remembered for each key, some 100 bytes
	// each. A key that brings more within MaxAge + MaxAhead is refused until the oldest
	// are too old to count. 0 = 100,000.
	MaxNonces int
	// Since is the moment up to which other verifiers may have taken signatures of
	// these keys, which could therefore be replayed; those made before it, or by a
	// clock that is MaxAhead of it, are refused. Zero = the moment of NewVerifier.
	Since time.Time
}

// DefaultFields are those by which a request to a Dashwire server says more than by
// method, place and body.
var DefaultFields = []string{
	"content-type", "dashwire-base", "dashwire-client", "dashwire-policy", "dashwire-session",
	"idempotency-key", "if-match", "if-none-match", "last-event-id",
}

// maxNonce is the longest nonce, in bytes.
const maxNonce = 256

// Verifier checks the signatures of requests. It may be used by any number of
// goroutines at once.
type Verifier struct {
	cfg  Config
	keys atomic.Pointer[map[string]*known]
}

// known is a key with the nonces that it has used.
type known struct {
	Key
	nonces *nonces
}

// NewVerifier makes a verifier. The error lists everything that is wrong with cfg.
func NewVerifier(cfg Config) (*Verifier, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Fields == nil {
		cfg.Fields = DefaultFields
	}
	orElse(&cfg.MaxAge, time.Minute)
	orElse(&cfg.MaxAhead, 5*time.Second)
	orElse(&cfg.MaxBody, 16<<20)
	orElse(&cfg.MaxNonces, 100_000)
	if cfg.Since.IsZero() {
		cfg.Since = cfg.Now()
	}
	v := &Verifier{cfg: cfg}
	v.keys.Store(&map[string]*known{})
	var errs []error
	if cfg.MaxAge < time.Second || cfg.MaxAhead < 0 || cfg.MaxBody < 0 || cfg.MaxNonces < 0 {
		errs = append(errs, errors.New("MaxAge must be a second or more, and the other bounds must not be negative"))
	}
	for _, f := range cfg.Fields {
		if !fieldName(f) || f != strings.ToLower(f) {
			errs = append(errs, fmt.Errorf("the field %q is no name in lower case", f))
		}
	}
	keys, err := v.known(cfg.Keys, cfg.Since)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("httpsig.NewVerifier: %w", err)
	}
	v.keys.Store(&keys)
	return v, nil
}

// known gives keys their nonces: those that they have, or none from before since.
func (v *Verifier) known(list []Key, since time.Time) (map[string]*known, error) {
	var errs []error
	if len(list) == 0 {
		errs = append(errs, errors.New("there are no keys"))
	}
	before := *v.keys.Load()
	keys := make(map[string]*known, len(list))
	from := since.Add(v.cfg.MaxAhead).Unix() + 1
	for _, k := range list {
		switch old := before[k.id]; {
		case k.id == "":
			errs = append(errs, errors.New("a key is zero: make it with NewKey or ParseKey"))
		case keys[k.id] != nil:
			errs = append(errs, fmt.Errorf("two keys have the id %q", k.id))
		case old != nil && old.same(k):
			keys[k.id] = old
		default:
			keys[k.id] = &known{Key: k, nonces: newNonces(v.cfg.MaxNonces, from)}
		}
	}
	return keys, errors.Join(errs...)
}

func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// signed reports whether a request has anything of a signature.
func signed(r *http.Request) bool {
	return len(r.Header.Values("Signature-Input")) > 0 || len(r.Header.Values("Signature")) > 0
}

// Verify returns the id of the key that signed r, or an *[Error]. It reads the body,
// once the signature has been found good, and gives it back in r.Body. A signature is
// good once: its nonce is remembered even if the body is then refused.
func (v *Verifier) Verify(r *http.Request) (keyID string, err error) {
	key, refusal := v.verify(r)
	if refusal != nil {
		return "", refusal
	}
	return key.id, nil
}

func (v *Verifier) verify(r *http.Request) (*known, *Error) {
	s, refusal := v.read(r)
	if refusal != nil {
		return nil, refusal
	}
	key := (*v.keys.Load())[s.keyID]
	now := v.cfg.Now()
	for _, check := range []func() *Error{
		func() *Error { return v.checkTime(s, now) },
		func() *Error { return v.checkCovered(s, r) },
		func() *Error { return checkKey(s, key, r) },
		func() *Error { return key.nonces.take(s.nonce, s.created, v.oldest(now), now) },
		func() *Error { return v.checkBody(s, r) },
	} {
		if refusal := check(); refusal != nil {
			return nil, refusal
		}
	}
	return key, nil
}

// signature is one signature of a request, read but not yet believed.
type signature struct {
	list       httpsfv.InnerList
	components []component
	bytes      []byte

	created, expires int64 // seconds since 1970
	mayExpire        bool
	keyID, nonce     string
	algorithm        string // "" = it names none
}

// read finds the signature that counts and reads it.
func (v *Verifier) read(r *http.Request) (*signature, *Error) {
	if !signed(r) {
		return nil, refuse(Unsigned, "the request is not signed: send Signature-Input and Signature")
	}
	inputs, err := dictionary("Signature-Input", r.Header.Values("Signature-Input"))
	if err != nil {
		return nil, err
	}
	signatures, err := dictionary("Signature", r.Header.Values("Signature"))
	if err != nil {
		return nil, err
	}
	label, list, err := v.choose(inputs, signatures)
	if err != nil {
		return nil, err
	}
	member, _ := signatures.Get(label)
	item, _ := member.(httpsfv.Item)
	sig, ok := item.Value.([]byte)
	if !ok {
		return nil, refuse(Malformed, "Signature has no byte sequence (:…:) under the label of Signature-Input")
	}
	s := &signature{list: list, bytes: sig}
	if err := s.readParams(); err != nil {
		return nil, err
	}
	s.components, err = components(list)
	return s, err
}

// choose finds the one signature that counts. There is no trying of several: who may
// add one must not get a say in what is checked.
func (v *Verifier) choose(inputs, signatures *httpsfv.Dictionary) (label string, list httpsfv.InnerList, err *Error) {
	found := 0
	for _, name := range inputs.Names() {
		member, _ := inputs.Get(name)
		l, ok := member.(httpsfv.InnerList)
		if !ok {
			return "", list, refuse(Malformed, "Signature-Input has a member that is no list of components in parentheses")
		}
		if v.cfg.Tag != "" {
			if tag, _ := l.Params.Get("tag"); tag != v.cfg.Tag {
				continue
			}
		}
		label, list = name, l
		found++
	}
	switch {
	case found == 0 && v.cfg.Tag != "":
		return "", list, refuse(Unsigned, "no signature has the tag %q", v.cfg.Tag)
	case found == 0:
		return "", list, refuse(Unsigned, "the request is not signed: Signature-Input is empty")
	case found > 1, v.cfg.Tag == "" && len(signatures.Names()) > 1:
		return "", list, refuse(Ambiguous, "the request has several signatures: send one")
	}
	return label, list, nil
}

// readParams reads the parameters of the signature (section 2.3).
func (s *signature) readParams() *Error {
	integer := func(name string) (n int64, there bool, err *Error) {
		value, there := s.list.Params.Get(name)
		n, ok := value.(int64)
		if there && !ok {
			return 0, true, refuse(Malformed, "the parameter %s is no whole number", name)
		}
		return n, there, nil
	}
	text := func(name string, most int) (string, bool, *Error) {
		value, there := s.list.Params.Get(name)
		t, ok := value.(string)
		switch {
		case there && !ok:
			return "", true, refuse(Malformed, "the parameter %s is no string in quotes", name)
		case len(t) > most:
			return "", true, refuse(TooLarge, "the parameter %s has at most %d characters", name, most)
		}
		return t, there, nil
	}
	var err *Error
	var hasCreated bool
	if s.created, hasCreated, err = integer("created"); err != nil {
		return err
	}
	if s.expires, s.mayExpire, err = integer("expires"); err != nil {
		return err
	}
	if s.keyID, _, err = text("keyid", maxKeyID); err != nil {
		return err
	}
	if s.nonce, _, err = text("nonce", maxNonce); err != nil {
		return err
	}
	if s.algorithm, _, err = text("alg", maxKeyID); err != nil {
		return err
	}
	switch {
	case !hasCreated:
		return refuse(Uncovered, "the signature needs the parameter created, the second in which it was made")
	case s.keyID == "":
		return refuse(Uncovered, "the signature needs the parameter keyid")
	case s.nonce == "":
		return refuse(Uncovered, "the signature needs the parameter nonce, another for each request")
	}
	return nil
}

// oldest is the second in which a signature that is taken now may have been made.
func (v *Verifier) oldest(now time.Time) int64 { return now.Add(-v.cfg.MaxAge).Unix() }

func (v *Verifier) checkTime(s *signature, now time.Time) *Error {
	switch {
	case s.created < v.oldest(now):
		return refuse(Stale, "the signature was made more than %s ago: sign the request when you send it, and compare the clocks", v.cfg.MaxAge)
	case s.created > now.Add(v.cfg.MaxAhead).Unix():
		return refuse(Stale, "the signature is from the future: compare the clocks")
	case s.mayExpire && s.expires <= now.Unix():
		return refuse(Stale, "the signature has expired: sign the request anew")
	}
	return nil
}

// checkCovered holds what is signed against what has to be.
func (v *Verifier) checkCovered(s *signature, r *http.Request) *Error {
	switch {
	case !s.covers("@method"):
		return refuse(Uncovered, "the signature must cover @method")
	case s.covers("@target-uri"):
	case !s.covers("@authority"), !s.covers("@path"), !s.covers("@query"):
		return refuse(Uncovered, "the signature must cover @target-uri, or @authority, @path and @query")
	}
	for _, f := range v.cfg.Fields {
		if len(r.Header.Values(f)) > 0 && !s.covers(f) {
			return refuse(Uncovered, "the signature must cover %s, since the request has it", f)
		}
	}
	if r.ContentLength > 0 && !s.covers("content-digest") {
		return refuse(Uncovered, "the signature must cover content-digest, since the request has a body")
	}
	return nil
}

// covers reports whether a component is covered as a whole.
func (s *signature) covers(name string) bool {
	return slices.ContainsFunc(s.components, func(c component) bool { return c.name == name && c.whole() })
}

// errUnproven is the same for an unknown key and for a wrong signature, so that nobody
// can try which keys there are.
func errUnproven() *Error {
	return refuse(Unproven, "the signature is not that of the key that keyid names, over this request")
}

// checkKey checks the signature itself, under the algorithm of the key.
func checkKey(s *signature, key *known, r *http.Request) *Error {
	if key == nil || s.algorithm != "" && s.algorithm != string(key.algorithm) {
		return errUnproven()
	}
	base, err := signatureBase(r, s.components, s.list)
	if err != nil {
		return err
	}
	if !key.verify(base, s.bytes) {
		return errUnproven()
	}
	return nil
}

func (v *Verifier) checkBody(s *signature, r *http.Request) *Error {
	body, err := readBody(r, v.cfg.MaxBody)
	if err != nil {
		return err
	}
	if covered := s.covers("content-digest"); covered || len(body) > 0 {
		if !covered {
			return refuse(Uncovered, "the signature must cover content-digest, since the request has a body")
		}
		return checkDigest(r.Header.Values(digestField), body)
	}
	return nil
}
